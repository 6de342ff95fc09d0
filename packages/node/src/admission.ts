/**
 * Writes are refused while the disk's free space is below the reserve (S12): deletes, applying, compaction and
 * checkpoints go on, and reads always do. What deletes may use of the reserve has an end too: its last part is for
 * checkpoints and collection alone, since a state store that finds no room amid a commit is broken until a restart.
 *
 * The free space is asked for at most once per interval; between two answers the bytes admitted are counted against it.
 */

import type { Awaitable } from "@holdfast/base";
import { andThen, GiB, MiB, StoreError } from "@holdfast/base";
import type { Clock, Counter, Disk, DiskSpace, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

const askIntervalMs = 1000;
/** Of the reserve: a checkpoint's 16 MiB with all pages that it touches, and two log segments. */
const lastPartBytesMax = 128 * MiB;

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
  #roomForDeletes = true;

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
    await this.#look();
    return this.#space;
  }

  /** Whether a small write would be admitted. */
  async hasRoom(): Promise<boolean> {
    await this.#look();
    return this.#roomBytes > 0;
  }

  /** Fails with OutOfSpace; nothing was written then. */
  admit(bytes: number): Awaitable<void> {
    return andThen(this.#look(), () => this.#take(bytes));
  }

  #take(bytes: number): void {
    if (bytes > this.#roomBytes) {
      this.#refusals.add(1);
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

  #look(): Promise<void> | undefined {
    if (this.#clock.monotonicMs() - this.#askedAtMs < askIntervalMs) return undefined;
    this.#asking ??= this.#ask();
    return this.#asking;
  }

  async #ask(): Promise<void> {
    try {
      const { freeBytes, totalBytes } = await this.#disk.space();
      const reserveBytes = this.#reserveBytes ?? defaultReserve(totalBytes);
      this.#roomBytes = freeBytes - reserveBytes;
      this.#roomForDeletes = freeBytes >= Math.min(reserveBytes / 4, lastPartBytesMax);
      this.#space = { freeBytes, totalBytes, reserveBytes };
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
