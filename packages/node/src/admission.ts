/**
 * Writes are refused while the disk's free space is below the reserve (S12): deletes, applying, compaction and
 * checkpoints go on, and reads always do. The free space is asked for at most once per interval; between two answers
 * the bytes admitted are counted against it.
 */

import { GiB, StoreError } from "@holdfast/base";
import type { Clock, Disk } from "@holdfast/ports";

const askIntervalMs = 1000;

export class Admission {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #reserveBytes: number | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #roomBytes = 0;

  constructor(disk: Disk, clock: Clock, reserveBytes: number | undefined) {
    this.#disk = disk;
    this.#clock = clock;
    this.#reserveBytes = reserveBytes;
  }

  /** Rejects with OutOfSpace; nothing was written then. */
  async admit(bytes: number): Promise<void> {
    if (this.#clock.monotonicMs() - this.#askedAtMs >= askIntervalMs) {
      this.#asking ??= this.#ask();
      await this.#asking;
    }
    if (bytes > this.#roomBytes) {
      throw new StoreError(
        "OutOfSpace",
        "The node's disk is full up to its reserve: no new data is taken. Delete files or add space; reads and deletes go on.",
      );
    }
    this.#roomBytes -= bytes;
  }

  async #ask(): Promise<void> {
    try {
      const { freeBytes, totalBytes } = await this.#disk.space();
      const reserve = this.#reserveBytes ?? Math.max(GiB, totalBytes / 20);
      this.#roomBytes = freeBytes - reserve;
      this.#askedAtMs = this.#clock.monotonicMs();
    } finally {
      this.#asking = undefined;
    }
  }
}
