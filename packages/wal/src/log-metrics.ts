/** What the log counts of its batches; the rest is read from it when somebody scrapes. */

import type { Counter, Histogram, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { WriteAheadLog } from "./write-ahead-log.ts";

export class LogMetrics {
  readonly #batches: Counter;
  readonly #bytes: Counter;
  readonly #records: Histogram;
  readonly #seconds: Histogram;

  constructor(metrics: Metrics, log: WriteAheadLog) {
    this.#batches = metrics.counter(allMetrics.logBatches, {});
    this.#bytes = metrics.counter(allMetrics.logWrittenBytes, {});
    this.#records = metrics.histogram(allMetrics.logBatchRecords, {});
    this.#seconds = metrics.histogram(allMetrics.logSync, {});
    metrics.watch(allMetrics.logQueueBytes, {}, () => log.queuedBytes);
    metrics.watch(allMetrics.logSegments, {}, () => log.segmentsCount);
    metrics.watch(allMetrics.logSegmentsBytes, {}, () => log.segmentsBytes);
    metrics.watch(allMetrics.logFailed, {}, () => (log.stopped === "poisoned" ? 1 : 0));
  }

  onBatch(records: number, bytes: number, durationMs: number): void {
    this.#batches.add(1);
    this.#bytes.add(bytes);
    this.#records.observe(records);
    this.#seconds.observe(durationMs / 1000);
  }
}
