/**
 * Gives the space of erased blocks back to the disk, in the background: volumes that are mostly dead are copied and
 * unlinked (blocks/compaction.ts says what is durable when). Foreground first: copying keeps to a rate, and a volume
 * whose copy the disk has no room for waits. Copies may use the reserve (S12): they are how a full disk gets well.
 *
 * A block store that can write no more ends it (S11); so does the node's stop, between two steps, which leaves copies
 * beside their originals.
 */

import type { BlockStore } from "@holdfast/blocks";
import { BlockError } from "@holdfast/blocks";
import type { Clock, Counter, Disk, Journal, Metrics } from "@holdfast/ports";
import { allMetrics, DiskError, silentMetrics, sleep } from "@holdfast/ports";
import { Pace } from "./pace.ts";

export interface CompactorOptions {
  readonly intervalMs: number;
  /** Of copied blocks. */
  readonly bytesPerSecondMax: number;
}

export interface CompactorPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics?: Metrics;
}

/** Beyond the copies: volume header, erasures, index. */
const marginBytes = 256 * 1024;

export class Compactor {
  readonly #blocks: BlockStore;
  readonly #ports: CompactorPorts;
  readonly #options: CompactorOptions;
  readonly #stop = new AbortController();
  readonly #pace: Pace;
  readonly #volumes: Counter;
  readonly #bytes: Counter;
  #running: Promise<void> = Promise.resolve();
  /** One round at a time: the block engine compacts one volume at a time. */
  #round: Promise<unknown> = Promise.resolve();

  constructor(blocks: BlockStore, ports: CompactorPorts, options: CompactorOptions) {
    this.#blocks = blocks;
    this.#ports = ports;
    this.#options = options;
    this.#pace = new Pace(ports.clock, this.#stop.signal);
    const { metrics = silentMetrics } = ports;
    this.#volumes = metrics.counter(allMetrics.compactedVolumes, {});
    this.#bytes = metrics.counter(allMetrics.compactedBytes, {});
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#round.catch(() => undefined); // Its caller hears of it.
  }

  /** A round now, as fast as it goes; how many volumes went. */
  compact(): Promise<number> {
    return this.#next(undefined);
  }

  async #run(): Promise<void> {
    const { clock, journal } = this.#ports;
    while (!this.#stop.signal.aborted) {
      await sleep(clock, this.#options.intervalMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.#next(this.#options.bytesPerSecondMax);
      } catch (cause) {
        if (cause instanceof BlockError && (cause.kind === "poisoned" || cause.kind === "closed")) return;
        journal.warn("compaction interrupted", { cause: String(cause) });
      }
    }
  }

  #next(bytesPerSecond: number | undefined): Promise<number> {
    const round = this.#round.catch(() => undefined).then(() => this.#compactAll(bytesPerSecond));
    this.#round = round;
    return round;
  }

  async #compactAll(bytesPerSecond: number | undefined): Promise<number> {
    if (this.#stop.signal.aborted) return 0;
    await this.#blocks.retireActive();
    let removed = 0;
    for (const volume of this.#blocks.compactionCandidates()) {
      if (this.#stop.signal.aborted) break;
      if (!(await this.#hasRoomFor(volume))) continue;
      try {
        if (!(await this.#compactOne(volume, bytesPerSecond))) continue;
        this.#volumes.add(1);
        removed++;
      } catch (error) {
        // Damage keeps this volume; the others need not wait for it.
        if (!(error instanceof BlockError && error.kind === "corrupt")) throw error;
        this.#ports.journal.error("volume not compacted", { volume, cause: error.message });
      }
    }
    return removed;
  }

  async #compactOne(volume: number, bytesPerSecond: number | undefined): Promise<boolean> {
    const steps = this.#blocks.compact(volume);
    for (let step = await steps.next(); ; step = await steps.next()) {
      if (step.done === true) return step.value === "removed";
      this.#bytes.add(step.value.copiedBytes);
      await this.#pace.worked(step.value.copiedBytes, bytesPerSecond);
      if (!this.#stop.signal.aborted) continue;
      await steps.return("kept");
      return false;
    }
  }

  /** Asked before each volume: what the one before gave back counts. */
  async #hasRoomFor(volume: number): Promise<boolean> {
    const liveBytes = this.#blocks.volumeUsage(volume)?.liveBytes ?? 0;
    if (liveBytes === 0) return true;
    try {
      const { freeBytes } = await this.#ports.disk.space();
      return freeBytes >= liveBytes + marginBytes;
    } catch (error) {
      if (error instanceof DiskError) return false;
      throw error;
    }
  }
}
