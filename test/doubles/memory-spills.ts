import type { Spills } from "../../lib/ports.ts";

/** Spills that are not spilled: lines in lists. */
export const memorySpills = (): Spills & { unclosed(): number } => {
  let open = 0;
  return {
    open() {
      open += 1;
      const partitions = new Map<number, string[]>();
      return {
        write(partition, line) {
          const lines = partitions.get(partition) ?? [];
          lines.push(line);
          partitions.set(partition, lines);
        },
        *read(partition) {
          const lines = partitions.get(partition) ?? [];
          // Two pieces, as a disk has them: never a line in both.
          const middle = lines.length >> 1;
          for (const some of [lines.slice(0, middle), lines.slice(middle)])
            if (some.length > 0) yield some.join("");
        },
        close() {
          open -= 1;
        },
      };
    },
    unclosed: () => open,
  };
};
