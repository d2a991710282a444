import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { NoRoom } from "../core/no-room.ts";
import type { Spill, Spills } from "../ports.ts";

/** What is kept of a partition before it goes to the disk in one piece, bytes. */
const pieceBytes = 16_384;

/** What Node calls a disk, a share of it, or a file that is full. */
const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The disk does not do: what was to be joined is not there. */
export class SpillFailed extends Error {
  override readonly name = "SpillFailed";
}

const attempt = <T>(what: string, folder: string, run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (full.has((error as NodeJS.ErrnoException).code ?? ""))
      throw new NoRoom(
        `${what}: ${folder} is full; a window needs about 250 bytes for each of its charges and rows. Take a shorter window, or a larger disk (TMPDIR; of the deployed function, diskMb in infra/functions.ts)`,
      );
    throw new SpillFailed(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** One file: pieces of partitions as they became full, and where each of them stands. */
const diskSpill = (folder: string, partitions: number): Spill => {
  const own = mkdtempSync(join(folder, "chargeonce-"));
  const file = openSync(join(own, "spill"), "wx+", 0o600);
  // Gone from the folder at once, and from the disk with the process: a killed run leaves nothing behind.
  rmSync(own, { recursive: true, force: true });
  const pieces: (Buffer | undefined)[] = Array.from({ length: partitions });
  const filled = new Uint32Array(partitions);
  /** offset and length of each piece, by partition */
  const places: number[][] = Array.from({ length: partitions }, () => []);
  let end = 0;
  let largest = 0;
  let closed = false;

  const put = (partition: number, bytes: Uint8Array): void => {
    for (let from = 0; from < bytes.length; )
      from += attempt("cannot write", folder, () =>
        writeSync(file, bytes, from, bytes.length - from, end + from),
      );
    places[partition]?.push(end, bytes.length);
    end += bytes.length;
    largest = Math.max(largest, bytes.length);
  };

  const bytes = function* (partition: number): Iterable<Buffer> {
    const into = Buffer.allocUnsafeSlow(largest);
    const own = places[partition] ?? [];
    for (let place = 0; place < own.length; place += 2) {
      const [offset = 0, length = 0] = [own[place], own[place + 1]];
      for (let from = 0; from < length; ) {
        const read = attempt("cannot read", folder, () =>
          readSync(file, into, from, length - from, offset + from),
        );
        if (read === 0) throw new SpillFailed("cannot read: the file is shorter than what was written");
        from += read;
      }
      yield into.subarray(0, length);
    }
    const left = filled[partition] ?? 0;
    if (left > 0) yield (pieces[partition] as Buffer).subarray(0, left);
  };

  /** A partition's piece with room for so many more bytes; what is too long for any piece goes by itself. */
  const roomFor = (partition: number, length: number): Buffer | undefined => {
    let piece = pieces[partition];
    if (piece === undefined) pieces[partition] = piece = Buffer.allocUnsafeSlow(pieceBytes);
    const at = filled[partition] ?? 0;
    if (at + length > pieceBytes && at > 0) {
      put(partition, piece.subarray(0, at));
      filled[partition] = 0;
    }
    return length > pieceBytes ? undefined : piece;
  };

  return {
    write(partition, lines) {
      const piece = roomFor(partition, lines.length);
      const at = filled[partition] ?? 0;
      if (piece === undefined) put(partition, Buffer.from(lines, "latin1"));
      else filled[partition] = at + piece.write(lines, at, "latin1");
    },
    writeBytes(partition, some) {
      const piece = roomFor(partition, some.length);
      const at = filled[partition] ?? 0;
      if (piece === undefined) {
        put(partition, some);
        return;
      }
      piece.set(some, at);
      filled[partition] = at + some.length;
    },
    *read(partition) {
      for (const piece of bytes(partition)) yield piece.toString("latin1");
    },
    bytes,
    held: () =>
      pieces.flatMap((_, partition) =>
        (filled[partition] ?? 0) > 0 || (places[partition]?.length ?? 0) > 0 ? [partition] : [],
      ),
    close() {
      if (closed) return;
      closed = true;
      closeSync(file);
    },
  };
};

/** Spills as files in a folder, each gone when it is closed. Throws `NoRoom` where it is full, else `SpillFailed`. */
export const diskSpills = (folder: string): Spills => ({
  open: (partitions) => attempt("cannot open", folder, () => diskSpill(folder, partitions)),
});
