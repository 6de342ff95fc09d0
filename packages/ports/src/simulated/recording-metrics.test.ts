import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { metricsContract } from "../../contract/metrics.ts";
import { metricList } from "../metric-registry.ts";
import type { MetricLabels } from "../metric-series.ts";
import { RecordingMetrics } from "./recording-metrics.ts";

suite("recording metrics", () => {
  metricsContract("recording metrics", () => {
    const metrics = new RecordingMetrics();
    return { metrics, scrape: () => scrape(metrics) };
  });
});

suite("metric registry", () => {
  test("names are unique, prefixed, in base units, and end in _total for counters alone", () => {
    const names = metricList.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const { name, kind } of metricList) {
      assert.match(name, /^holdfast_[a-z]+(?:_[a-z]+)*$/);
      assert.equal(name.endsWith("_total"), kind === "counter", name);
      assert.doesNotMatch(name, /_(?:ms|millis|milliseconds|kib|mib|percent)(?:_|$)/);
    }
  });

  test("every metric is explained in sentences", () => {
    for (const { name, help } of metricList) assert.match(help, /^[A-Z0-9].*\.$/, name);
  });
});

async function scrape(metrics: RecordingMetrics): Promise<ReadonlyMap<string, number>> {
  const seen = new Map<string, number>();
  for (const metric of metricList) {
    for (const reading of await metrics.read(metric)) {
      if (reading.kind === "value") {
        seen.set(metric.name + text(reading.labels), reading.value);
        continue;
      }
      const { bounds, cumulative, count, sum } = reading.histogram;
      bounds.forEach((bound, i) => {
        const labels = text({ le: String(bound), ...reading.labels });
        seen.set(`${metric.name}_bucket${labels}`, cumulative[i] ?? Number.NaN);
      });
      seen.set(`${metric.name}_bucket${text({ le: "+Inf", ...reading.labels })}`, count);
      seen.set(`${metric.name}_count${text(reading.labels)}`, count);
      seen.set(`${metric.name}_sum${text(reading.labels)}`, sum);
    }
  }
  return seen;
}

function text(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
