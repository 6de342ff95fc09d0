/**
 * The layout that this node's block server has promised to follow: a request of a lower epoch is refused (S3). What it lists
 * for a backfill is all that counts for older evidence, so the promise has to outlive a crash: it is durable before anybody is
 * told of it.
 *
 * The file: `HFEPOCH` and a format version (8 bytes), the epoch (8 bytes, big-endian), CRC-32 of both (4 bytes).
 */

import type { Epoch } from "@holdfast/base";
import { epoch as asEpoch, ByteReader, ByteWriter, equalBytes, StoreError, utf8 } from "@holdfast/base";
import type { Disk, Hashing } from "@holdfast/ports";
import { DiskError, readWhole, replaceWhole } from "@holdfast/ports";

export const epochFileName = "epoch";
const magic: Uint8Array = utf8("HFEPOCH");
const version = 1;
const checkedBytes = 16;

export interface EpochPorts {
  readonly disk: Disk;
  readonly hashing: Hashing;
  /** Of the data directory; it exists. */
  readonly folder: string;
}

export class ServedEpoch {
  readonly #ports: EpochPorts;
  #current: Epoch;
  #wanted: Epoch;
  #writing: Promise<void> | undefined;
  /** What happens under the current epoch alone, and ends before a higher one is promised. */
  readonly #acts = new Set<Promise<unknown>>();

  private constructor(ports: EpochPorts, current: Epoch) {
    this.#ports = ports;
    this.#current = current;
    this.#wanted = current;
  }

  /**
   * What an earlier run promised, and no less than `known`; durable when it resolves. Throws StoreError "DataCorrupt" when
   * the file is damaged or of a newer program, DiskError when it cannot be read or written.
   */
  static async open(ports: EpochPorts, known: Epoch): Promise<ServedEpoch> {
    const bytes = await readWhole(ports.disk, `${ports.folder}/${epochFileName}`);
    const promised = bytes === undefined ? known : decodeEpoch(bytes, ports.hashing);
    const served = new ServedEpoch(ports, asEpoch(Math.max(promised, known)));
    try {
      // What is read at start is not durable until this process has synced it (S8): its name may not be.
      await served.#write();
    } catch (error) {
      if (!(error instanceof DiskError && error.kind === "no-space") || served.current > promised)
        throw error;
      // A full disk still serves its reads.
      await ports.disk.syncDirectory(ports.folder);
    }
    return served;
  }

  /** Durable. */
  get current(): Epoch {
    return this.#current;
  }

  /** Whether a request of this epoch may be served, and from then on none below it is. Throws DiskError. */
  async admits(epoch: Epoch): Promise<boolean> {
    await this.raise(epoch);
    return epoch === this.#current;
  }

  /** Resolves when it is durable that nothing below is served. Throws DiskError; then nothing was promised. */
  async raise(epoch: Epoch): Promise<void> {
    while (this.#current < epoch) {
      this.#wanted = asEpoch(Math.max(this.#wanted, epoch));
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  /**
   * Acts while this epoch and none above it is followed: whoever raises it waits until that is done, so everything that is
   * asked here under a newer layout is asked behind it. Undefined, with nothing done, when a newer one is followed already, or
   * is about to be. Throws DiskError, and what `act` throws.
   */
  async actUnder<T>(epoch: Epoch, act: () => Promise<T>): Promise<T | undefined> {
    await this.raise(epoch);
    if (this.#current !== epoch || this.#wanted !== epoch) return undefined;
    const acting = act();
    this.#acts.add(acting);
    try {
      return await acting;
    } finally {
      this.#acts.delete(acting);
    }
  }

  async #write(): Promise<void> {
    const { disk, hashing, folder } = this.#ports;
    // Nothing new begins meanwhile: a higher epoch is wanted.
    if (this.#acts.size > 0) await Promise.allSettled(this.#acts);
    const epoch = this.#wanted;
    await replaceWhole(disk, folder, epochFileName, encodeEpoch(epoch, hashing));
    this.#current = epoch;
  }
}

function encodeEpoch(epoch: Epoch, hashing: Hashing): Uint8Array {
  const writer = new ByteWriter(checkedBytes + 4);
  writer.raw(magic);
  writer.u8(version);
  writer.u53(epoch);
  const crc32 = hashing.crc32(writer.finish());
  const whole = new ByteWriter(checkedBytes + 4);
  whole.raw(writer.finish());
  whole.u32(crc32);
  return whole.finish();
}

function decodeEpoch(bytes: Uint8Array, hashing: Hashing): Epoch {
  const reader = new ByteReader(bytes);
  const isWhole =
    bytes.length === checkedBytes + 4 &&
    equalBytes(reader.raw(magic.length), magic) &&
    new ByteReader(bytes.subarray(checkedBytes)).u32() === hashing.crc32(bytes.subarray(0, checkedBytes));
  if (!isWhole) throw damaged("damaged");
  const found = reader.u8();
  if (found !== version) throw damaged(`of format version ${found}; this program knows ${version}`);
  return asEpoch(reader.u53());
}

/** Serving below what was promised would let a backfill miss blocks, and so lose them. */
function damaged(what: string): StoreError {
  return new StoreError(
    "DataCorrupt",
    `The block server's file "${epochFileName}" is ${what}: it is not known which layout this node promised to follow.`,
  );
}
