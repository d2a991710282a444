import { exitStatus } from "./exit-status.ts";

type Output = Pick<NodeJS.WriteStream, "on">;

/**
 * Whoever stops reading what a command prints (`| head`) ends no work by it: the rest is not written, and the command
 * goes on to its own exit status. Where it could not be written for another reason, that is told, and the status is 1.
 */
export const watchOutput = ({
  stdout,
  stderr,
}: {
  readonly stdout: Output;
  readonly stderr: Output;
}): void => {
  let isTold = false;
  stdout.on("error", ({ code, name }: NodeJS.ErrnoException) => {
    if (code === "EPIPE" || isTold) return;
    isTold = true;
    process.stderr.write(`chargeonce: standard output: ${code ?? name}\n`);
    process.on("exit", () => {
      process.exitCode = exitStatus.someInReview;
    });
  });
  // There is nowhere left to tell it.
  stderr.on("error", () => {});
};
