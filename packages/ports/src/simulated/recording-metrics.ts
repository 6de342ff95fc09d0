import { MetricSeries } from "../metric-series.ts";
import type { CounterMetric, GaugeMetric, HistogramMetric, LabelsOf } from "../metrics.ts";

/** Metrics that a test can look at. */
export class RecordingMetrics extends MetricSeries {
  /** Undefined for a series that was never made, or cannot be read. */
  async value<M extends CounterMetric | GaugeMetric>(
    metric: M,
    labels: LabelsOf<M>,
  ): Promise<number | undefined> {
    for (const reading of await this.read(metric))
      if (reading.kind === "value" && sameLabels(reading.labels, labels)) return reading.value;
    return undefined;
  }

  /** How many values a histogram has seen. */
  async observations<M extends HistogramMetric>(metric: M, labels: LabelsOf<M>): Promise<number> {
    for (const reading of await this.read(metric))
      if (reading.kind === "histogram" && sameLabels(reading.labels, labels)) return reading.histogram.count;
    return 0;
  }
}

function sameLabels(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  return Object.keys(a).every((name) => a[name] === b[name]);
}
