import { identify, isRunning, type ProcessIdentity } from "../../infra/local/process-identity.ts";

export type Sabotage = { readonly kills: number; readonly freezes: number };

export type Saboteur = {
  readonly done: () => Sabotage;
  /** every function process that was ever seen */
  readonly seen: () => readonly ProcessIdentity[];
  /** wakes whoever is frozen, and strikes no more */
  stop(): void;
};

export type SaboteurOptions = {
  readonly pids: () => readonly number[];
  readonly fraction: () => number;
  /** between two strikes, at the least and at the most */
  readonly everyMs: readonly [min: number, max: number];
  /** a freeze outlasts the lease */
  readonly freezeMs: readonly [min: number, max: number];
};

/** A process is left in peace until it has started: three failed starts in a row would end its function. */
const youngMs = 1_500;
const lookEveryMs = 200;
const frozenMax = 2;

const signal = (target: ProcessIdentity, name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void => {
  // Only the very process that was chosen: its number may be another's by now.
  if (isRunning(target)) process.kill(target.pid, name);
};

/** Kills some function processes and freezes others, at moments that its random numbers choose. */
export const startSaboteur = ({ pids, fraction, everyMs, freezeMs }: SaboteurOptions): Saboteur => {
  const known = new Map<number, { readonly identity: ProcessIdentity; readonly sinceMs: number }>();
  const seen: ProcessIdentity[] = [];
  const frozen = new Map<ProcessIdentity, NodeJS.Timeout>();
  const counts = { kills: 0, freezes: 0 };
  const between = ([min, max]: readonly [number, number]): number => min + (max - min) * fraction();

  const look = (): void => {
    const alive = new Set(pids());
    for (const pid of known.keys()) if (!alive.has(pid)) known.delete(pid);
    for (const pid of alive) {
      const identity = known.has(pid) ? undefined : identify(pid);
      if (identity === undefined) continue;
      known.set(pid, { identity, sinceMs: performance.now() });
      seen.push(identity);
    }
  };
  const wake = (target: ProcessIdentity): void => {
    clearTimeout(frozen.get(target));
    frozen.delete(target);
    signal(target, "SIGCONT");
  };
  const strike = (): void => {
    look();
    const grown = [...known.values()].filter(({ sinceMs }) => performance.now() - sinceMs >= youngMs);
    const victim = grown[Math.floor(fraction() * grown.length)]?.identity;
    if (victim === undefined || frozen.has(victim)) return;
    if (fraction() < 0.5 || frozen.size >= frozenMax) {
      counts.kills += 1;
      signal(victim, "SIGKILL");
    } else {
      counts.freezes += 1;
      signal(victim, "SIGSTOP");
      frozen.set(
        victim,
        setTimeout(() => wake(victim), between(freezeMs)),
      );
    }
  };
  const looking = setInterval(look, lookEveryMs);
  let next: NodeJS.Timeout | undefined;
  const plan = (): void => {
    next = setTimeout(() => {
      strike();
      plan();
    }, between(everyMs));
  };
  plan();

  return {
    done: () => ({ ...counts }),
    seen: () => seen,
    stop() {
      clearTimeout(next);
      clearInterval(looking);
      for (const target of [...frozen.keys()]) wake(target);
      look();
    },
  };
};
