/** JSON.rawJSON (ES2026; Node 22 and later): a number literal that goes out as it is written. */
interface JSON {
  rawJSON(text: string): object;
}
