const KEPT_CHARACTERS = 4_000;

/** The last few thousand characters of a stream, for the error message should its process end. */
export class Tail {
  private kept = "";

  add(chunk: Buffer | string): void {
    this.kept = (this.kept + chunk.toString()).slice(-KEPT_CHARACTERS);
  }

  text(): string {
    return this.kept.trim();
  }
}
