import type { Spills } from "../../lib/ports.ts";

const none: readonly string[] = [];

/** Spills that are not spilled: lines in lists. */
export const memorySpills = (): Spills & { unclosed(): number } => {
  let open = 0;
  return {
    open() {
      open += 1;
      const partitions = new Map<number, string[]>();
      const read = (partition: number): readonly string[] => {
        const lines = partitions.get(partition);
        if (lines === undefined) return none;
        // Two pieces, as a disk has them: never a line in both.
        const middle = lines.length >> 1;
        return [lines.slice(0, middle), lines.slice(middle)]
          .filter((some) => some.length > 0)
          .map((some) => some.join(""));
      };
      return {
        write(partition, some) {
          const lines = partitions.get(partition) ?? [];
          lines.push(some);
          partitions.set(partition, lines);
        },
        writeBytes(partition, bytes) {
          this.write(partition, Buffer.from(bytes).toString("latin1"));
        },
        read,
        *bytes(partition) {
          for (const piece of read(partition)) yield Buffer.from(piece, "latin1");
        },
        held: () => [...partitions.keys()],
        close() {
          open -= 1;
        },
      };
    },
    unclosed: () => open,
  };
};
