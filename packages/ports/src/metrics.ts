/**
 * Counts and measurements of a running node, read by whoever scrapes them. Series are made once, with all their labels,
 * when the part that counts is made: what a request then pays is one method call that allocates nothing.
 *
 * Every metric is named in metric-registry.ts. Label values come from closed sets in the code, never from input: a
 * bucket, a key or an address as label would let a client grow the memory of every node and of whoever scrapes it.
 */
export interface Metrics {
  /** The same metric and labels give the same series. */
  counter<M extends CounterMetric>(metric: M, labels: LabelsOf<M>): Counter;
  histogram<M extends HistogramMetric>(metric: M, labels: LabelsOf<M>): Histogram;
  /**
   * A series whose value is read when it is scraped: a gauge, or a count that somebody keeps anyway. One that throws
   * or rejects is left out of that scrape. A second call for the same series replaces the first.
   */
  watch<M extends CounterMetric | GaugeMetric>(metric: M, labels: LabelsOf<M>, read: ReadValue): void;
}

export type ReadValue = () => number | Promise<number>;

export interface Counter {
  /** `amount` is not negative. */
  add(amount: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

interface Described {
  /** As Prometheus names metrics: prefix, subject, base unit, and `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export interface CounterMetric extends Described {
  readonly kind: "counter";
}

export interface GaugeMetric extends Described {
  readonly kind: "gauge";
}

export interface HistogramMetric extends Described {
  readonly kind: "histogram";
  readonly buckets: keyof typeof histogramBuckets;
}

export type Metric = CounterMetric | GaugeMetric | HistogramMetric;
export type LabelsOf<M extends Metric> = Readonly<Record<M["labels"][number], string>>;

/** Upper bounds, fixed for good: changing one breaks every stored query over it. */
export const histogramBuckets: {
  readonly syncSeconds: readonly number[];
  readonly requestSeconds: readonly number[];
  readonly jobSeconds: readonly number[];
  readonly count: readonly number[];
} = {
  /** One synced write: from NVMe with power-loss protection to a disk in trouble. */
  syncSeconds: [
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ],
  /** A request, its bodies included. */
  requestSeconds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  /** Work in the background. */
  jobSeconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
  count: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
};

const nothing = { add: () => undefined, observe: () => undefined };

/** Keeps nothing. */
export const silentMetrics: Metrics = {
  counter: () => nothing,
  histogram: () => nothing,
  watch: () => undefined,
};
