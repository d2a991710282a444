/**
 * Wrong usage, configuration or input file (exit status 2). Each line says what and where, and never holds a
 * value that may be secret.
 */
export class UsageProblem extends Error {
  override readonly name = "UsageProblem";
  readonly lines: readonly string[];

  constructor(lines: string | readonly string[]) {
    const all = typeof lines === "string" ? [lines] : lines;
    super(all.join("\n"));
    this.lines = all;
  }
}

/** What a file operation said, in a few words: `no such file`, or the system's own code. */
export const fileTrouble = (error: unknown): string => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  switch (code) {
    case "ENOENT":
      return "no such file or folder";
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "not allowed";
    case "EISDIR":
      return "is a folder";
    case "ENOTDIR":
      return "is not in a folder";
    default:
      return code ?? (error instanceof Error ? error.message : "failed");
  }
};
