/**
 * Writes are refused while the disk's free space is below the reserve (S12): deletes, applying, compaction and
 * checkpoints go on, and reads always do. The free space is asked for at most once per interval; between two answers
 * the bytes admitted are counted against it.
 */

import { GiB, StoreError } from "@holdfast/base";
import type { Clock, Counter, Disk, DiskSpace, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

const askIntervalMs = 1000;

export interface SpaceLeft extends DiskSpace {
  /** Free space that only deletes, apply, compaction and checkpoints may use. */
  readonly reserveBytes: number;
}

export class Admission {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #reserveBytes: number | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #roomBytes = 0;
  #space: SpaceLeft = { freeBytes: 0, totalBytes: 0, reserveBytes: 0 };
  readonly #refusals: Counter;

  constructor(disk: Disk, clock: Clock, reserveBytes: number | undefined, metrics: Metrics) {
    this.#disk = disk;
    this.#clock = clock;
    this.#reserveBytes = reserveBytes;
    this.#refusals = metrics.counter(allMetrics.admissionRefusals, {});
    metrics.watch(allMetrics.diskFree, {}, async () => (await this.space()).freeBytes);
    metrics.watch(allMetrics.diskSize, {}, async () => (await this.space()).totalBytes);
    metrics.watch(allMetrics.diskReserve, {}, async () => (await this.space()).reserveBytes);
  }

  /** As the disk said it within the last interval. */
  async space(): Promise<SpaceLeft> {
    await this.#refresh();
    return this.#space;
  }

  /** Whether a small write would be admitted. */
  async hasRoom(): Promise<boolean> {
    await this.#refresh();
    return this.#roomBytes > 0;
  }

  /** Rejects with OutOfSpace; nothing was written then. */
  async admit(bytes: number): Promise<void> {
    if (this.#isStale) await this.#refresh();
    if (bytes > this.#roomBytes) {
      this.#refusals.add(1);
      throw new StoreError(
        "OutOfSpace",
        "The node's disk is full up to its reserve: no new data is taken. Delete files or add space; reads and deletes go on.",
      );
    }
    this.#roomBytes -= bytes;
  }

  get #isStale(): boolean {
    return this.#clock.monotonicMs() - this.#askedAtMs >= askIntervalMs;
  }

  async #refresh(): Promise<void> {
    if (!this.#isStale) return;
    this.#asking ??= this.#ask();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const { freeBytes, totalBytes } = await this.#disk.space();
      const reserveBytes = this.#reserveBytes ?? Math.max(GiB, Math.ceil(totalBytes / 20));
      this.#roomBytes = freeBytes - reserveBytes;
      this.#space = { freeBytes, totalBytes, reserveBytes };
      this.#askedAtMs = this.#clock.monotonicMs();
    } finally {
      this.#asking = undefined;
    }
  }
}
