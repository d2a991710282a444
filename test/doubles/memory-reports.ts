import { hash } from "node:crypto";
import type { Reports } from "../../lib/ports.ts";

export type MemoryReports = Reports & {
  /** what stands, by its name */
  readonly kept: Map<string, { readonly text: string; readonly contentType: string }>;
  /** drafts that nobody has dropped */
  undropped(): number;
};

/** Reports in the memory. @param onPut awaited before a report is there: what it throws, nobody has kept */
export const memoryReports = (
  onPut: (name: string, text: string) => void | Promise<void> = () => {},
): MemoryReports => {
  const kept: MemoryReports["kept"] = new Map();
  let open = 0;
  // As in a bucket, a version is a hash of what stands.
  const versionOf = (name: string): string | undefined => {
    const one = kept.get(name);
    return one === undefined ? undefined : hash("sha256", one.text, "hex");
  };
  return {
    kept,
    undropped: () => open,
    standing: async (name) => versionOf(name),
    begin(name, contentType, over) {
      if (!/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name))
        throw new Error(`${name}: no name of a report`);
      open += 1;
      let [text, dropped] = ["", false];
      return {
        add: (more) => {
          text += more;
        },
        async put() {
          await onPut(name, text);
          if (versionOf(name) !== over) throw new Error(`${name}: something else stands there`);
          kept.set(name, { text, contentType });
        },
        drop() {
          if (!dropped) open -= 1;
          dropped = true;
        },
      };
    },
  };
};
