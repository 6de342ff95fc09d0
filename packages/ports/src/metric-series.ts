/** The series behind a Metrics: plain numbers that grow, and functions that are asked. */

import { assert } from "@holdfast/base";
import type {
  Counter,
  CounterMetric,
  GaugeMetric,
  Histogram,
  HistogramMetric,
  LabelsOf,
  Metric,
  Metrics,
  ReadValue,
} from "./metrics.ts";
import { histogramBuckets } from "./metrics.ts";

export type MetricLabels = Readonly<Record<string, string>>;

/** What one series shows at one moment. */
export type SeriesReading =
  | { readonly kind: "value"; readonly labels: MetricLabels; readonly value: number }
  | { readonly kind: "histogram"; readonly labels: MetricLabels; readonly histogram: HistogramReading };

export interface HistogramReading {
  readonly bounds: readonly number[];
  /** Per bound, observations at or below it; those above the last one are in `count` alone. */
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export class MetricSeries implements Metrics {
  readonly #series = new Map<Metric["name"], Map<string, Series>>();

  counter<M extends CounterMetric>(metric: M, labels: LabelsOf<M>): Counter {
    const series = this.#find(metric, labels, () => new CounterSeries(labels));
    assert(series instanceof CounterSeries, `${metric.name} is counted in one place and watched in another`);
    return series;
  }

  histogram<M extends HistogramMetric>(metric: M, labels: LabelsOf<M>): Histogram {
    const bounds = histogramBuckets[metric.buckets];
    const series = this.#find(metric, labels, () => new HistogramSeries(labels, bounds));
    assert(series instanceof HistogramSeries, `${metric.name} is a histogram`);
    return series;
  }

  watch<M extends CounterMetric | GaugeMetric>(metric: M, labels: LabelsOf<M>, read: ReadValue): void {
    const series = this.#find(metric, labels, () => new WatchedSeries(labels, read));
    assert(series instanceof WatchedSeries, `${metric.name} is counted in one place and watched in another`);
    series.read = read;
  }

  /** The metric's series in the order in which they were made; those that cannot be read are left out. */
  async read(metric: Metric): Promise<readonly SeriesReading[]> {
    const series = this.#series.get(metric.name)?.values() ?? [];
    const readings = await Promise.all(Array.from(series, (each) => each.reading()));
    return readings.filter((reading) => reading !== undefined);
  }

  #find(metric: Metric, labels: MetricLabels, make: () => Series): Series {
    const given = Object.keys(labels);
    const isComplete =
      given.length === metric.labels.length && given.every((name) => metric.labels.includes(name));
    assert(isComplete, `${metric.name} has the labels ${metric.labels.join(", ")}, not ${given.join(", ")}`);
    const key = JSON.stringify(metric.labels.map((name) => labels[name]));
    const ofMetric = this.#series.get(metric.name) ?? new Map<string, Series>();
    this.#series.set(metric.name, ofMetric);
    const series = ofMetric.get(key) ?? make();
    ofMetric.set(key, series);
    return series;
  }
}

type Series = CounterSeries | HistogramSeries | WatchedSeries;

class CounterSeries implements Counter {
  readonly #labels: MetricLabels;
  #value = 0;

  constructor(labels: MetricLabels) {
    this.#labels = labels;
  }

  add(amount: number): void {
    assert(amount >= 0, "counters do not fall");
    this.#value += amount;
  }

  reading(): Promise<SeriesReading> {
    return Promise.resolve({ kind: "value", labels: this.#labels, value: this.#value });
  }
}

class HistogramSeries implements Histogram {
  readonly #labels: MetricLabels;
  readonly #bounds: readonly number[];
  /** By bucket, not cumulated; the last one is for what lies above all bounds. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: MetricLabels, bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    for (const bound of bounds) {
      if (value <= bound) break;
      bucket++;
    }
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  reading(): Promise<SeriesReading> {
    let count = 0;
    const totals = Array.from(this.#counts, (inBucket) => (count += inBucket));
    const histogram = { bounds: this.#bounds, cumulative: totals.slice(0, -1), count, sum: this.#sum };
    return Promise.resolve({ kind: "histogram", labels: this.#labels, histogram });
  }
}

class WatchedSeries {
  readonly #labels: MetricLabels;
  read: ReadValue;

  constructor(labels: MetricLabels, read: ReadValue) {
    this.#labels = labels;
    this.read = read;
  }

  async reading(): Promise<SeriesReading | undefined> {
    try {
      return { kind: "value", labels: this.#labels, value: await this.read() };
    } catch {
      // A gap in a graph is the truth about a value that nobody knows; the other series must not suffer from it.
      return undefined;
    }
  }
}
