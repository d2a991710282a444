import { problemsOfWish } from "../lib/core/review-decision.ts";
import { deskDoor, linkLifeMs } from "./desk-door.ts";
import { deskAt, deskSiteAt, type MessageFlags } from "./desk-place.ts";
import { startDeskServer } from "./desk-server.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { openPlace } from "./place.ts";
import { watchStopSignals } from "./stop-signals.ts";
import { UsageProblem } from "./usage-problem.ts";

export type WebFlags = MessageFlags & {
  readonly web?: boolean;
  readonly by?: string;
  readonly port?: string;
  readonly json?: boolean;
};

const checked = ({ web, by, port = "0" }: WebFlags): { readonly port: number } => {
  const problems: string[] = [];
  if (web !== true) problems.push("review: needs list, show, decide, verify or redrive, or --web");
  const isPort = /^(0|[1-9][0-9]{0,4})$/.test(port) && Number(port) <= 65_535;
  if (!isPort) problems.push(`--port ${port}: must be 0 to 65535`);
  if (by !== undefined)
    for (const { must } of problemsOfWish({ decision: "drop", by, reason: "-" }))
      problems.push(`--by: must ${must}`);
  if (problems.length > 0) throw new UsageProblem(problems);
  return { port: Number(port) };
};

/** `chargeonce review --web`: the desk in a browser of this machine, until it is interrupted. */
export const serveReview = async (flags: WebFlags): Promise<ExitStatus> => {
  const { port } = checked(flags);
  const signals = watchStopSignals();
  const place = await openPlace(flags);
  let closeDesk = (): void => {};
  try {
    const desk = deskAt(place);
    closeDesk = desk.close;
    const door = deskDoor();
    const site = deskSiteAt(place, flags, desk);
    // Read while the link is opened; where it fails, the page says so.
    site.index.waiting().catch(() => {});
    const server = await startDeskServer({
      site,
      door,
      port,
      ...(flags.by === undefined ? {} : { person: flags.by }),
    }).catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      throw new UsageProblem(
        `--port ${port}: ${code === "EADDRINUSE" ? "is taken" : (code ?? "cannot be used")}`,
      );
    });
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ link: server.link, expiresAt: new Date(Date.now() + linkLifeMs).toISOString() })}\n`
        : `the review desk: ${server.link}\nThe link works once, within ten minutes, on this machine. Ctrl-C closes the desk.\n`,
    );
    if (!signals.stop.aborted)
      await new Promise<void>((resolve) => signals.stop.addEventListener("abort", () => resolve()));
    await server.close();
    return exitStatus.allFinal;
  } finally {
    signals.close();
    closeDesk();
    await place.close();
  }
};
