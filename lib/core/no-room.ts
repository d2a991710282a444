/** What a run has to keep outside its memory does not fit there. A shorter stretch of time may. */
export class NoRoom extends Error {
  override readonly name = "NoRoom";
}
