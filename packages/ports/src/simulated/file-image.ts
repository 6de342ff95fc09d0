/**
 * One file twice: as the running system sees it (page cache) and as it is on the platter, with the changes between the
 * two. What reaches the platter does so in sectors of 512 bytes: a power loss keeps, sector by sector, some prefix of
 * the changes to that sector, so unsynced writes may be lost, torn or reordered; a sector itself is never torn.
 *
 * Invariant: the durable image with all pending changes applied in order is the current one, unless a sync failed.
 */

import type { Fate } from "./fate.ts";

export const sectorBytes = 512;

/** A write as whole sectors, as they were after it; or a new length. */
type Change =
  | { readonly kind: "write"; readonly sequence: number; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "length"; readonly sequence: number; readonly bytes: number };
type Write = Extract<Change, { kind: "write" }>;

/** What a power loss cost a file. */
export interface Losses {
  /** Changes to one sector, or of the length. */
  readonly lostCount: number;
  /** Some of them survived, others did not. */
  readonly torn: boolean;
}

/** Bytes behind `length` are zero. */
interface Image {
  bytes: Uint8Array;
  length: number;
}

export class FileImage {
  #current: Image = { bytes: new Uint8Array(0), length: 0 };
  #durable: Image = { bytes: new Uint8Array(0), length: 0 };
  /** In the order of their sequence numbers. */
  #pending: Change[] = [];
  #sequence = 0;
  /** The two images differ by more than what is pending. */
  #syncFailed = false;

  get length(): number {
    return this.#current.length;
  }

  get durableLength(): number {
    return this.#durable.length;
  }

  /** The number of the last change: hand it to `sync` to make this state durable, and none that come later. */
  get sequence(): number {
    return this.#sequence;
  }

  /** A copy, cut at the end of the file. */
  read(offset: number, length: number): Uint8Array {
    return this.#current.bytes.slice(
      offset,
      Math.max(offset, Math.min(offset + length, this.#current.length)),
    );
  }

  write(offset: number, bytes: Uint8Array): number {
    const sequence = ++this.#sequence;
    if (bytes.length === 0) return sequence;
    const end = offset + bytes.length;
    reserve(this.#current, end);
    this.#current.bytes.set(bytes, offset);
    this.#pushSectors(sequence, offset, end);
    if (end > this.#current.length) {
      this.#current.length = end;
      this.#pending.push({ kind: "length", sequence, bytes: end });
    }
    return sequence;
  }

  truncate(bytes: number): number {
    const sequence = ++this.#sequence;
    reserve(this.#current, bytes);
    setLength(this.#current, bytes);
    this.#pending.push({ kind: "length", sequence, bytes });
    // The rest of the last sector was zeroed too.
    if (bytes % sectorBytes !== 0) this.#pushSectors(sequence, bytes, bytes + 1);
    return sequence;
  }

  /** Everything up to `sequence` is durable. */
  sync(sequence: number): void {
    const due = this.#pending.filter((change) => change.sequence <= sequence);
    this.#pending = this.#pending.filter((change) => change.sequence > sequence);
    for (const change of due) this.#makeDurable(change);
  }

  /** One write is durable (O_DSYNC), and every length up to it; other writes before it need not be. */
  syncWrite(sequence: number): void {
    const isDue = (change: Change): boolean =>
      change.kind === "length" ? change.sequence <= sequence : change.sequence === sequence;
    const due = this.#pending.filter(isDue);
    this.#pending = this.#pending.filter((change) => !isDue(change));
    for (const change of due) {
      this.#makeDurable(change);
      // Its sectors hold what earlier writes left there: those must not come over it later.
      if (change.kind === "write") this.#forget(sequence, change.offset, change.offset + change.data.length);
    }
  }

  /** A failed sync, as Linux does it: the sectors count as clean but never reached the platter (S11). */
  failSync(sequence: number): void {
    this.#syncFailed = true;
    this.#pending = this.#pending.filter((change) => change.sequence > sequence);
  }

  /** A write that the device acknowledged and dropped: the file system counts it, the sectors hold what they held. */
  loseWrite(offset: number, length: number): number {
    const end = offset + length;
    return end > this.#current.length ? this.truncate(end) : ++this.#sequence;
  }

  /** The power fails: of what was not durable, fate decides; then both images are what is on the platter. */
  powerLoss(fate: Fate): Losses {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length === 0) {
      if (this.#syncFailed) this.#current = copyOf(this.#durable);
      return { lostCount: 0, torn: false };
    }
    const { survives, losses } = survivors(pending, fate);
    for (const change of pending) {
      if (change.kind === "length") {
        if (survives(change, 0)) this.#makeDurable(change);
        continue;
      }
      for (let at = 0; at < change.data.length; at += sectorBytes) {
        if (!survives(change, change.offset + at)) continue;
        this.#makeDurable({
          ...change,
          offset: change.offset + at,
          data: change.data.subarray(at, at + sectorBytes),
        });
      }
    }
    setLength(this.#durable, this.#durable.length);
    this.#current = copyOf(this.#durable);
    return losses;
  }

  fork(): FileImage {
    const twin = new FileImage();
    twin.#current = copyOf(this.#current);
    twin.#durable = copyOf(this.#durable);
    // Changes are never changed themselves.
    twin.#pending = [...this.#pending];
    twin.#sequence = this.#sequence;
    twin.#syncFailed = this.#syncFailed;
    return twin;
  }

  /** Flips one bit, on the platter and in the cache. */
  rot(offset: number, bit: number): void {
    for (const image of [this.#current, this.#durable]) {
      const byte = image.bytes[offset];
      if (byte !== undefined && offset < image.length) image.bytes[offset] = byte ^ (1 << bit);
    }
  }

  #pushSectors(sequence: number, from: number, to: number): void {
    const start = from - (from % sectorBytes);
    const end = roundUp(to);
    reserve(this.#current, end);
    this.#pending.push({
      kind: "write",
      sequence,
      offset: start,
      data: this.#current.bytes.slice(start, end),
    });
  }

  #makeDurable(change: Change): void {
    if (change.kind === "write") {
      reserve(this.#durable, change.offset + change.data.length);
      this.#durable.bytes.set(change.data, change.offset);
      return;
    }
    const shrinks = change.bytes < this.#durable.length;
    reserve(this.#durable, change.bytes);
    if (shrinks) {
      setLength(this.#durable, change.bytes);
      this.#forget(change.sequence, roundUp(change.bytes), Number.POSITIVE_INFINITY);
    }
    this.#durable.length = change.bytes;
  }

  /** Writes before `sequence` no longer touch the sectors from `from` to `to`. */
  #forget(sequence: number, from: number, to: number): void {
    this.#pending = this.#pending.flatMap((change) =>
      change.kind === "write" && change.sequence < sequence ? without(change, from, to) : [change],
    );
  }
}

/** What is left of a write outside of a range of sectors. */
function without(write: Write, from: number, to: number): Write[] {
  const end = write.offset + write.data.length;
  if (end <= from || write.offset >= to) return [write];
  const rest: Write[] = [];
  if (write.offset < from) rest.push({ ...write, data: write.data.subarray(0, from - write.offset) });
  if (end > to) rest.push({ ...write, offset: to, data: write.data.subarray(to - write.offset) });
  return rest;
}

/**
 * Decides per sector (and for the lengths, as one more place) how many of the changes to it survive: a prefix, since
 * a sector that is written later carries what was written to it before.
 */
function survivors(
  pending: readonly Change[],
  fate: Fate,
): { readonly survives: (change: Change, sectorOffset: number) => boolean; readonly losses: Losses } {
  const lastSequences = new Map<number, number>();
  const sequencesByPlace = new Map<number, number[]>();
  const touch = (place: number, sequence: number): void => {
    const sequences = sequencesByPlace.get(place);
    if (sequences === undefined) sequencesByPlace.set(place, [sequence]);
    else sequences.push(sequence);
  };
  for (const change of pending) {
    if (change.kind === "length") touch(lengthPlace, change.sequence);
    else
      for (let at = 0; at < change.data.length; at += sectorBytes) touch(change.offset + at, change.sequence);
  }
  let [keptCount, lostCount] = [0, 0];
  fate.begin();
  for (const [place, sequences] of sequencesByPlace) {
    const kept = fate.kept(sequences.length);
    keptCount += kept;
    lostCount += sequences.length - kept;
    lastSequences.set(place, sequences[kept - 1] ?? 0);
  }
  const survives = (change: Change, sectorOffset: number): boolean => {
    const place = change.kind === "length" ? lengthPlace : sectorOffset;
    return change.sequence <= (lastSequences.get(place) ?? 0);
  };
  return { survives, losses: { lostCount, torn: keptCount > 0 && lostCount > 0 } };
}

const lengthPlace = -1;

function roundUp(bytes: number): number {
  return Math.ceil(bytes / sectorBytes) * sectorBytes;
}

function reserve(image: Image, bytes: number): void {
  if (bytes <= image.bytes.length) return;
  const grown = new Uint8Array(
    roundUp(Math.max(bytes, Math.min(2 * image.bytes.length, image.bytes.length + 16_777_216))),
  );
  grown.set(image.bytes);
  image.bytes = grown;
}

function setLength(image: Image, bytes: number): void {
  image.bytes.fill(0, bytes);
  image.length = bytes;
}

function copyOf({ bytes, length }: Image): Image {
  return { bytes: bytes.slice(), length };
}
