/** What the block engine counts; the rest is read from it when somebody scrapes. */

import type { Counter, Histogram, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";

export class BlockMetrics {
  readonly #puts: Counter;
  readonly #putBytes: Counter;
  readonly #reads: Counter;
  readonly #readBytes: Counter;
  readonly #damage: Counter;
  readonly #syncSeconds: Histogram;

  constructor(metrics: Metrics) {
    this.#puts = metrics.counter(allMetrics.blockPuts, {});
    this.#putBytes = metrics.counter(allMetrics.blockPutBytes, {});
    this.#reads = metrics.counter(allMetrics.blockReads, {});
    this.#readBytes = metrics.counter(allMetrics.blockReadBytes, {});
    this.#damage = metrics.counter(allMetrics.blockDamage, {});
    this.#syncSeconds = metrics.histogram(allMetrics.blockSync, {});
  }

  onPut(bytes: number): void {
    this.#puts.add(1);
    this.#putBytes.add(bytes);
  }

  onRead(bytes: number): void {
    this.#reads.add(1);
    this.#readBytes.add(bytes);
  }

  onDamage(): void {
    this.#damage.add(1);
  }

  onSync(durationMs: number): void {
    this.#syncSeconds.observe(durationMs / 1000);
  }
}
