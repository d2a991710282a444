import type { FeedWindow } from "../core/feed.ts";
import type { Group } from "../core/judgement.ts";
import { keyFilter } from "../core/key-filter.ts";
import { keyHash } from "../core/key-hash.ts";
import { addPair, isFull, pairBlock, pairsKnownBy } from "../core/pair-records.ts";
import {
  agreed,
  agreeingEnd,
  chargeIdOfLine,
  type GatewaySide,
  gatewayLine,
  type LedgerSide,
  ledgerLine,
  readGatewayLine,
  readLedgerLine,
  sidesAgree,
} from "../core/sides.ts";
import type { Spill, Spills } from "../ports.ts";

/** A charge on which both sides agree: nearly all of them, so they are not taken apart any further. */
export type Agreed = { readonly amount: number; readonly currency: string; readonly atMs: number };

/** Told of agreements as they are found; one that is taken back will be told again, or judged. */
export type Agreements = { agree(agreed: Agreed): void; takeBack(agreed: Agreed): void };

/**
 * Joins the ledger's charges with the rows of a feed, one row to at most one charge (S13): by request id, else
 * by charge id, else by transaction or order id. Charges and rows are added in any order, then the groups are
 * read. Where both come by time, nearly every charge meets its row while it waits for it in the memory. The rest
 * is spread over partitions by charge, outside the memory, and joined one partition at a time. So memory does not
 * grow with either side, whatever their order is.
 */
export type SideJoin = {
  addCharge(side: LedgerSide): void;
  addRow(side: GatewaySide): void;
  /** Rows that no charge explains. Nothing can be added any more. */
  strangers(): Iterable<GatewaySide>;
  /** Gives each of them to the charge of which `ownerOf` says that it is, if it says so. */
  nameStrangers(ownerOf: (row: GatewaySide) => string | undefined): void;
  /** Every charge or row about which there may be something to say. */
  groups(): Iterable<Group>;
  /** rows that came more than once, word for word; known when the groups were read */
  repeatedRows(): number;
  close(): void;
};

/** So many that one of them is small whatever a run has to join: a thousandth of both sides. */
const partitions = 1_024;
/**
 * 32 MB outside the heap. A row whose two references are of different charges, and which the filter wrongly takes
 * for a pair, is told as missing in the ledger instead of being known by its request id; of four million charges
 * that happens to one such row in half a million.
 */
const pairBits = 2 ** 28;
const strayBits = 2 ** 23;
/** Charges, and rows, that wait for their other side in the memory. */
const waitingDefaultMax = 20_000;
/** Pairs are written so many bytes at a time. */
const blockBytes = 65_536;
/** Rows of one charge that are kept: more prove nothing more, and a hostile feed must not fill the memory. */
const rowsMax = 64;

const none: readonly string[] = [];

const partitionOf = (key: string): number => keyHash(key) & (partitions - 1);

/** What a row may be known by, the best first; the parent is the transaction that a reversal gives back. */
const keysOf = (row: GatewaySide): readonly string[] =>
  [
    ["r", row.requestId],
    ["c", row.chargeId],
    ["t", row.transactionId],
    ["t", row.parentTransactionId],
    ["o", row.orderId],
  ].flatMap(([kind, key]) => (key === undefined ? [] : [`${kind}${key}`]));

const aliasesOf = (charge: LedgerSide): readonly string[] => {
  const aliases = [`r${charge.requestId}`, `c${charge.chargeId}`];
  for (const requestId of charge.earlierRequestIds) aliases.push(`r${requestId}`);
  if (charge.transactionId !== undefined) aliases.push(`t${charge.transactionId}`);
  if (charge.orderId !== undefined) aliases.push(`o${charge.orderId}`);
  if (charge.preparedId !== undefined) aliases.push(`o${charge.preparedId}`);
  return aliases;
};

/** With texts of its own: those of a row may be parts of the whole page that it came with. */
const copyOf = (row: GatewaySide): GatewaySide => JSON.parse(JSON.stringify(row)) as GatewaySide;

/** What strangers of one transaction, or of one unknown charge, have in common. */
const strangerKey = (row: GatewaySide): string =>
  row.chargeId ??
  row.requestId ??
  (row.kind === "reversal" ? row.parentTransactionId : undefined) ??
  row.transactionId ??
  row.orderId ??
  "";

/** Hands each line of a partition to `each`, without its newline. */
const eachLine = (spill: Spill, partition: number, each: (line: string) => void): void => {
  for (const text of spill.read(partition))
    for (let from = 0; from < text.length; ) {
      const end = text.indexOf("\n", from);
      each(text.slice(from, end));
      from = end + 1;
    }
};

/** The partitions that any of them has something in. */
const heldBy = (...spills: readonly (Spill | undefined)[]): ReadonlySet<number> =>
  new Set(spills.flatMap((spill) => spill?.held() ?? []));

/** A charge or a stranger while its rows come together. */
type Gathered = { readonly line: string | undefined; rows: string[] | undefined };

const gatheredOf = (all: Map<string, Gathered>, key: string): Gathered => {
  const standing = all.get(key);
  if (standing !== undefined) return standing;
  const made: Gathered = { line: undefined, rows: undefined };
  all.set(key, made);
  return made;
};

/**
 * @param window what the run answers for: a charge of another time that has no row is not taken apart
 */
export const joinSides = (
  spills: Spills,
  window: FeedWindow,
  agreements: Agreements,
  waitingMax = waitingDefaultMax,
): SideJoin => {
  const waitingCharges = new Map<string, LedgerSide>();
  const waitingRows = new Map<string, GatewaySide>();
  const charges = spills.open(partitions);
  const rows = spills.open(partitions);
  const pairs = keyFilter(pairBits);
  const strayKeys = keyFilter(strayBits);
  const strayKinds = new Set<string>();
  const open: Spill[] = [charges, rows];
  const spilled = (count = partitions): Spill => {
    const spill = spills.open(count);
    open.push(spill);
    return spill;
  };
  /** Charges of which something has left the memory: what else comes of them follows it there. */
  const apart = keyFilter(strayBits);
  let anyApart = false;
  /** charges with the row that agreed, in case that another row turns out to be theirs */
  let met: Spill | undefined;
  const block = pairBlock(blockBytes);
  /** rows whose charge had not come yet when there was no room for more of them */
  let later: Spill | undefined;
  let strays: Spill | undefined;
  let attributed: Spill | undefined;
  let strangers: Spill | undefined;
  let repeated = 0;

  /** `rest` of a stray: the keys by which it is still to be looked for. */
  const addStray = (to: Spill, rest: readonly string[], line: string): void => {
    const [first = ""] = rest;
    to.write(partitionOf(first), `${rest.join("\x1f")}\x1d${line}`);
  };

  const addStranger = (line: string): void => {
    strangers ??= spilled();
    strangers.write(partitionOf(strangerKey(readGatewayLine(line))), line);
  };

  const setApart = (chargeHash: number): void => {
    anyApart = true;
    apart.add(chargeHash, 0);
  };

  const spillCharge = (side: LedgerSide): void => {
    const chargeHash = keyHash(side.chargeId);
    setApart(chargeHash);
    charges.write(chargeHash & (partitions - 1), ledgerLine(side));
    pairs.add(keyHash(side.requestId), chargeHash);
    for (const requestId of side.earlierRequestIds) pairs.add(keyHash(requestId), chargeHash);
  };

  /** Spills a row when every charge that it may be of has been spilled, or met its own row. */
  const spillRow = (side: GatewaySide): void => {
    const { chargeId, requestId } = side;
    // Who was charged is asked only where no reference tells it.
    const line = gatewayLine(
      chargeId === undefined && requestId === undefined ? side : { ...side, consumers: none },
    );
    if (chargeId !== undefined && requestId !== undefined) {
      const chargeHash = keyHash(chargeId);
      if (pairs.mayHave(keyHash(requestId), chargeHash)) {
        rows.write(chargeHash & (partitions - 1), line);
        return;
      }
    }
    const keys = keysOf(readGatewayLine(line));
    for (const key of keys) {
      strayKeys.add(keyHash(key), 0);
      strayKinds.add(key.charAt(0));
    }
    if (keys.length === 0) addStranger(line);
    else {
      strays ??= spilled();
      addStray(strays, keys, line);
    }
  };

  const spillLater = (row: GatewaySide): void => {
    later ??= spilled(1);
    setApart(keyHash(row.chargeId ?? ""));
    later.write(0, gatewayLine(row));
  };

  const writeMet = (): Spill => {
    met ??= spilled(1);
    met.writeBytes(0, block.bytes.subarray(0, block.end));
    block.end = 0;
    return met;
  };

  /** Charge and row agree in every word: they are counted, and go. */
  const meet = (charge: LedgerSide, row: GatewaySide): boolean => {
    if (!sidesAgree(charge, row) || !addPair(block, charge, row)) return false;
    if (isFull(block)) writeMet();
    agreements.agree({
      amount: Number(charge.amount),
      currency: charge.currency,
      atMs: row.atMs ?? Number.NaN,
    });
    return true;
  };

  /** Makes room: those that have waited longest go. */
  const letGo = <Side>(waiting: Map<string, Side>, count: number, to: (side: Side) => void): void => {
    let left = count;
    for (const [chargeId, side] of waiting) {
      if (left === 0) break;
      left -= 1;
      waiting.delete(chargeId);
      to(side);
    }
  };

  /** What still waits will not be met any more. */
  const endWaiting = (): void => {
    letGo(waitingCharges, waitingCharges.size, spillCharge);
    if (later !== undefined)
      eachLine(later, 0, (line) => {
        spillRow(readGatewayLine(line));
      });
    letGo(waitingRows, waitingRows.size, spillRow);
  };

  /** A row that is left over may be of a charge that has met another: it is joined anew then, with all its rows. */
  const partMet = (): void => {
    const all = writeMet();
    if (strays === undefined) return;
    const mayBe = (hash: number): boolean => strayKeys.mayHave(hash, 0);
    for (const bytes of all.bytes(0))
      pairsKnownBy(bytes, strayKinds, mayBe, (charge, row) => {
        const place = partitionOf(charge.chargeId);
        charges.write(place, ledgerLine(charge));
        rows.write(place, gatewayLine(row));
        agreements.takeBack({
          amount: Number(charge.amount),
          currency: charge.currency,
          atMs: row.atMs ?? Number.NaN,
        });
      });
  };

  /** Gives each stray to the charge that one of its keys names, or leaves it a stranger. */
  const attribute = (): void => {
    if (strays === undefined) return;
    const aliases = spilled();
    for (const partition of heldBy(charges))
      eachLine(charges, partition, (line) => {
        const charge = readLedgerLine(line);
        for (const alias of aliasesOf(charge))
          if (strayKeys.mayHave(keyHash(alias), 0))
            aliases.write(partitionOf(alias), `${alias}\t${charge.chargeId}\n`);
      });
    const owners = new Map<string, string>();
    for (let from: Spill | undefined = strays; from !== undefined; ) {
      let again: Spill | undefined;
      for (const partition of heldBy(from)) {
        owners.clear();
        eachLine(aliases, partition, (line) => {
          const [alias = "", chargeId = ""] = line.split("\t");
          // A key that two charges have tells neither from the other.
          owners.set(alias, owners.has(alias) && owners.get(alias) !== chargeId ? "" : chargeId);
        });
        eachLine(from, partition, (stray) => {
          const keysEnd = stray.indexOf("\x1d");
          const [first = "", ...rest] = stray.slice(0, keysEnd).split("\x1f");
          const line = `${stray.slice(keysEnd + 1)}\n`;
          const owner = owners.get(first) ?? "";
          if (owner !== "") attributeTo(owner, line);
          else if (rest.length > 0) {
            again ??= spilled();
            addStray(again, rest, line);
          } else addStranger(line);
        });
      }
      from = again;
    }
  };

  const attributeTo = (owner: string, line: string): void => {
    attributed ??= spilled();
    attributed.write(partitionOf(owner), `${owner}\x1d${line}`);
  };

  let isJoined = false;
  /** When everything was added: what each row is known by decides whose it is. */
  const join = (): void => {
    if (isJoined) return;
    isJoined = true;
    endWaiting();
    partMet();
    attribute();
  };

  const gather = (gathered: Gathered, line: string): void => {
    const kept = gathered.rows;
    if (kept === undefined) {
      gathered.rows = [line];
      return;
    }
    // The same row twice is one row, if it says which transaction it is of.
    const { transactionId, orderId } = readGatewayLine(line);
    if ((transactionId !== undefined || orderId !== undefined) && kept.includes(line)) {
      repeated += 1;
      return;
    }
    if (kept.length >= rowsMax) {
      // A capture cannot be unseen: it takes the place of a row that is none.
      const place =
        line.charCodeAt(3) === 0x41 ? kept.findLastIndex((one) => one.charCodeAt(3) !== 0x41) : -1;
      if (place === -1) return;
      kept.splice(place, 1);
    }
    kept.push(line);
  };

  const isOfWindow = (line: string): boolean => {
    const end = agreeingEnd(line);
    const atMs = Number(line.slice(end, line.indexOf("\t", end)));
    return atMs >= window.fromMs && atMs < window.toMs;
  };

  const groupOf = ({ line, rows: lines }: Gathered): Group => ({
    ...(line === undefined ? {} : { ledger: readLedgerLine(line) }),
    rows: (lines ?? []).map(readGatewayLine),
  });

  return {
    addCharge(side) {
      const row = waitingRows.get(side.chargeId);
      if (row !== undefined) {
        waitingRows.delete(side.chargeId);
        if (!meet(side, row)) {
          spillCharge(side);
          spillRow(row);
        }
      } else if (anyApart && apart.mayHave(keyHash(side.chargeId), 0)) spillCharge(side);
      else {
        waitingCharges.set(side.chargeId, side);
        if (waitingCharges.size > waitingMax) letGo(waitingCharges, waitingMax / 2, spillCharge);
      }
    },
    addRow(side) {
      const { chargeId } = side;
      if (chargeId === undefined || side.requestId === undefined) {
        spillRow(side);
        return;
      }
      const charge = waitingCharges.get(chargeId);
      if (charge !== undefined) {
        waitingCharges.delete(chargeId);
        if (!meet(charge, side)) {
          spillCharge(charge);
          spillRow(side);
        }
        return;
      }
      const before = waitingRows.get(chargeId);
      if (before === undefined) {
        const kept = copyOf(side);
        waitingRows.set(kept.chargeId ?? chargeId, kept);
        if (waitingRows.size > waitingMax) letGo(waitingRows, waitingMax / 2, spillLater);
      } else {
        // Two rows of one charge: the rules have to see both, in their order.
        waitingRows.delete(chargeId);
        spillLater(before);
        spillLater(side);
      }
    },
    *strangers() {
      join();
      if (strangers === undefined) return;
      for (const partition of heldBy(strangers)) {
        const found: GatewaySide[] = [];
        eachLine(strangers, partition, (line) => {
          found.push(readGatewayLine(line));
        });
        yield* found;
      }
    },
    nameStrangers(ownerOf) {
      join();
      const unnamed = strangers;
      if (unnamed === undefined) return;
      strangers = undefined;
      for (const partition of heldBy(unnamed))
        eachLine(unnamed, partition, (line) => {
          const row = readGatewayLine(line);
          const chargeId = ownerOf(row);
          if (chargeId === undefined) addStranger(`${line}\n`);
          else attributeTo(chargeId, gatewayLine({ ...row, chargeId }));
        });
    },
    *groups() {
      join();
      const gathered = new Map<string, Gathered>();
      const add = (chargeId: string, line: string): void => {
        gather(gatheredOf(gathered, chargeId), line);
      };
      for (const partition of heldBy(charges, rows, attributed)) {
        gathered.clear();
        eachLine(charges, partition, (line) => {
          gathered.set(chargeIdOfLine(line), { line, rows: undefined });
        });
        eachLine(rows, partition, (line) => add(chargeIdOfLine(line), line));
        if (attributed !== undefined)
          eachLine(attributed, partition, (line) => {
            const end = line.indexOf("\x1d");
            add(line.slice(0, end), line.slice(end + 1));
          });
        for (const one of gathered.values()) {
          const [first, second] = one.rows ?? [];
          if (one.line !== undefined) {
            if (first === undefined && !isOfWindow(one.line)) continue;
            if (first !== undefined && second === undefined) {
              const same = agreed(one.line, first);
              if (same !== undefined) {
                agreements.agree(same);
                continue;
              }
            }
          }
          yield groupOf(one);
        }
      }
      if (strangers === undefined) return;
      for (const partition of heldBy(strangers)) {
        gathered.clear();
        eachLine(strangers, partition, (line) => {
          gather(gatheredOf(gathered, strangerKey(readGatewayLine(line))), line);
        });
        for (const one of gathered.values()) yield groupOf(one);
      }
    },
    repeatedRows: () => repeated,
    close() {
      for (const spill of open) spill.close();
    },
  };
};
