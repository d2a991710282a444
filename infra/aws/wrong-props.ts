/** Props or context that no stack can be made of; the message names the place and what it must be. */
export class WrongProps extends Error {
  override readonly name = "WrongProps";

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
  }
}
