import type { Reports } from "../../lib/ports.ts";

export type MemoryReports = Reports & {
  /** what stands, by its name */
  readonly kept: Map<string, { readonly text: string; readonly contentType: string }>;
  /** drafts that nobody has dropped */
  undropped(): number;
};

/** Reports in the memory. @param onPut called before a report is there: what it throws, nobody has kept */
export const memoryReports = (onPut: (name: string, text: string) => void = () => {}): MemoryReports => {
  const kept: MemoryReports["kept"] = new Map();
  let open = 0;
  return {
    kept,
    undropped: () => open,
    begin(name, contentType) {
      if (!/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name))
        throw new Error(`${name}: no name of a report`);
      open += 1;
      let [text, dropped] = ["", false];
      return {
        add: (more) => {
          text += more;
        },
        async put() {
          onPut(name, text);
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
