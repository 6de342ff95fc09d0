/**
 * The Metrics port over prom-client, which knows Prometheus' text format and the process' own metrics. Counting is our
 * own (MetricSeries): prom-client hashes a label set on every call and allocates several objects for each observation.
 */

import type { CounterMetric, GaugeMetric, HistogramMetric, Metrics, SeriesReading } from "@holdfast/ports";
import { histogramBuckets, MetricSeries, metricList } from "@holdfast/ports";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { processMetrics } from "./process-metrics.ts";

/** Resolves with the page that a scrape gets. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

export interface PrometheusMetrics {
  readonly metrics: Metrics;
  /** Reads every series once; whoever asks meanwhile gets the same page. */
  readonly page: () => Promise<MetricsPage>;
}

export function prometheusMetrics(): PrometheusMetrics {
  const series = new MetricSeries();
  const registry = new Registry();
  for (const metric of metricList) {
    if (metric.kind === "histogram") exposeHistogram(registry, series, metric);
    else exposeValue(registry, series, metric);
  }
  const render = async (): Promise<MetricsPage> => {
    const [own, ofProcess] = await Promise.all([registry.metrics(), processMetrics().metrics()]);
    return { contentType: registry.contentType, text: `${own}\n${ofProcess}` };
  };
  let rendering: Promise<MetricsPage> | undefined;
  const page = (): Promise<MetricsPage> => {
    rendering ??= render().finally(() => {
      rendering = undefined;
    });
    return rendering;
  };
  return { metrics: series, page };
}

function exposeValue(registry: Registry, series: MetricSeries, metric: CounterMetric | GaugeMetric): void {
  const { name, help, labels } = metric;
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  if (metric.kind === "gauge") {
    const gauge = new Gauge({
      ...common,
      async collect(): Promise<void> {
        const readings = await series.read(metric);
        gauge.reset();
        for (const reading of valuesOf(readings)) gauge.set(reading.labels, reading.value);
        // A reset left a 0 behind, which nobody has read.
        if (readings.length === 0 && labels.length === 0) gauge.remove();
      },
    });
    return;
  }
  const counter = new Counter({
    ...common,
    async collect(): Promise<void> {
      const readings = await series.read(metric);
      counter.reset();
      for (const reading of valuesOf(readings)) counter.inc(reading.labels, reading.value);
      if (readings.length === 0 && labels.length === 0) counter.remove();
    },
  });
}

function valuesOf(readings: readonly SeriesReading[]): readonly Extract<SeriesReading, { kind: "value" }>[] {
  return readings.filter((reading) => reading.kind === "value");
}

type HistogramValues = Awaited<ReturnType<Histogram["get"]>>;

function exposeHistogram(registry: Registry, series: MetricSeries, metric: HistogramMetric): void {
  const { name, help, labels } = metric;
  const buckets = [...histogramBuckets[metric.buckets]];
  const histogram = new Histogram({ name, help, labelNames: [...labels], buckets, registers: [] });
  const empty = histogram.get();
  const get = async (): Promise<HistogramValues> => {
    const readings = await series.read(metric);
    const values = readings.flatMap((reading) =>
      reading.kind === "histogram" ? sampleLines(name, reading) : [],
    );
    return { ...(await empty), values };
  };
  // The registry asks `getForPromString` where a metric has it; both have to give what the series hold.
  registry.registerMetric(Object.assign(histogram, { get, getForPromString: get }));
}

function sampleLines(
  name: string,
  { labels, histogram }: Extract<SeriesReading, { kind: "histogram" }>,
): HistogramValues["values"] {
  const { bounds, cumulative, count, sum } = histogram;
  const buckets = bounds.map((bound, i) => ({
    metricName: `${name}_bucket`,
    labels: { le: bound, ...labels },
    value: cumulative[i] ?? count,
  }));
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
