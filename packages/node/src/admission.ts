/**
 * Writes are refused while the disk's free space is below the reserve (S12): deletes, applying, compaction and
 * checkpoints go on, and reads always do. What deletes may use of the reserve has an end too: its last part is for
 * checkpoints and collection alone, since a state store that finds no room amid a commit is broken until a restart.
 *
 * The free space is asked for at most once per interval; between two answers the bytes admitted are counted against it.
 */

import { GiB, MiB, StoreError } from "@holdfast/base";
import type { Clock, Disk } from "@holdfast/ports";

const askIntervalMs = 1000;
/** Of the reserve: a checkpoint's 16 MiB with all pages that it touches, and two log segments. */
const lastPartBytesMax = 128 * MiB;

export class Admission {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #reserveBytes: number | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #roomBytes = 0;
  #roomForDeletes = true;

  constructor(disk: Disk, clock: Clock, reserveBytes: number | undefined) {
    this.#disk = disk;
    this.#clock = clock;
    this.#reserveBytes = reserveBytes;
  }

  /** Rejects with OutOfSpace; nothing was written then. */
  async admit(bytes: number): Promise<void> {
    await this.#look();
    if (bytes > this.#roomBytes) {
      throw new StoreError(
        "OutOfSpace",
        "The node's disk is full up to its reserve: no new data is taken. Delete files or add space; reads and deletes go on.",
      );
    }
    this.#roomBytes -= bytes;
  }

  /** For what makes room in the end: rejects with OutOfSpace only when the reserve itself is nearly used up. */
  async admitDelete(): Promise<void> {
    await this.#look();
    if (this.#roomForDeletes) return;
    throw new StoreError(
      "OutOfSpace",
      "The node's disk is full, and its reserve nearly used up: not even deletes are taken until collection has made room. Try again in a minute, or add space; reads go on.",
    );
  }

  async #look(): Promise<void> {
    if (this.#clock.monotonicMs() - this.#askedAtMs < askIntervalMs) return;
    this.#asking ??= this.#ask();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const { freeBytes, totalBytes } = await this.#disk.space();
      const reserve = this.#reserveBytes ?? defaultReserve(totalBytes);
      this.#roomBytes = freeBytes - reserve;
      this.#roomForDeletes = freeBytes >= Math.min(reserve / 4, lastPartBytesMax);
      this.#askedAtMs = this.#clock.monotonicMs();
    } finally {
      this.#asking = undefined;
    }
  }
}

/** 5 %, at least 1 GiB; but half of a disk that is as small as that. */
function defaultReserve(totalBytes: number): number {
  return Math.min(Math.max(GiB, totalBytes / 20), totalBytes / 2);
}
