import assert from "node:assert/strict";
import { test } from "node:test";
import type { Metrics } from "@holdfast/ports";

export interface MetricsUnderTest {
  readonly metrics: Metrics;
  /** What a scrape gives: by `name{label="value",…}`, histograms as their `_bucket`, `_sum` and `_count`. */
  readonly scrape: () => Promise<ReadonlyMap<string, number>>;
}

export type MakeMetrics = () => MetricsUnderTest;

const counted = {
  kind: "counter",
  name: "holdfast_http_errors_total",
  help: "Failures and refusals by their code: S3's in gateway s3, Holdfast's in gateway http.",
  labels: ["gateway", "code"],
} as const;
const level = {
  kind: "gauge",
  name: "holdfast_http_requests_in_flight",
  help: "Requests whose answers have not ended.",
  labels: ["gateway"],
} as const;
const spread = {
  kind: "histogram",
  name: "holdfast_http_request_duration_seconds",
  help: "From the parsed headers of a request until the connection took the last byte of its answer.",
  labels: ["gateway", "operation"],
  buckets: "requestSeconds",
} as const;

export function metricsContract(name: string, make: MakeMetrics): void {
  test(`${name}: counters add up per set of labels, and start at 0`, async () => {
    const { metrics, scrape } = make();
    const first = metrics.counter(counted, { gateway: "s3", code: "NoSuchKey" });
    metrics.counter(counted, { gateway: "http", code: "FileNotFound" });
    first.add(1);
    first.add(41);
    const seen = await scrape();
    assert.equal(seen.get('holdfast_http_errors_total{gateway="s3",code="NoSuchKey"}'), 42);
    assert.equal(seen.get('holdfast_http_errors_total{gateway="http",code="FileNotFound"}'), 0);
  });

  test(`${name}: the same metric and labels are the same series`, async () => {
    const { metrics, scrape } = make();
    metrics.counter(counted, { gateway: "s3", code: "X" }).add(1);
    metrics.counter(counted, { code: "X", gateway: "s3" }).add(1);
    assert.equal((await scrape()).get('holdfast_http_errors_total{gateway="s3",code="X"}'), 2);
  });

  test(`${name}: what is watched is read on each scrape, a promise too, and the last reader counts`, async () => {
    const { metrics, scrape } = make();
    let now = 7;
    metrics.watch(level, { gateway: "s3" }, () => 1);
    metrics.watch(level, { gateway: "s3" }, () => now);
    metrics.watch(level, { gateway: "http" }, () => Promise.resolve(now * 2));
    const series = 'holdfast_http_requests_in_flight{gateway="s3"}';
    assert.equal((await scrape()).get(series), 7);
    now = 3;
    const seen = await scrape();
    assert.deepEqual([seen.get(series), seen.get(series.replace("s3", "http"))], [3, 6]);
  });

  test(`${name}: a value that cannot be read is left out, and the others are not`, async () => {
    const { metrics, scrape } = make();
    metrics.watch(level, { gateway: "a" }, () => {
      throw new Error("unknown");
    });
    metrics.watch(level, { gateway: "b" }, () => Promise.reject(new Error("unknown")));
    metrics.watch(level, { gateway: "c" }, () => 5);
    const seen = await scrape();
    const shown = [...seen.keys()].filter((key) => key.startsWith(level.name));
    assert.deepEqual(shown, ['holdfast_http_requests_in_flight{gateway="c"}']);
  });

  test(`${name}: a histogram counts each value at its bound and above`, async () => {
    const { metrics, scrape } = make();
    const histogram = metrics.histogram(spread, { gateway: "s3", operation: "GetObject" });
    // At a bound, between two, beyond the last.
    for (const seconds of [0.0005, 0.003, 100]) histogram.observe(seconds);
    const seen = await scrape();
    const bucket = (le: string): number | undefined =>
      seen.get(`${spread.name}_bucket{le="${le}",gateway="s3",operation="GetObject"}`);
    assert.deepEqual(["0.0005", "0.001", "0.0025", "0.005", "60", "+Inf"].map(bucket), [1, 1, 1, 2, 2, 3]);
    assert.equal(seen.get(`${spread.name}_count{gateway="s3",operation="GetObject"}`), 3);
    assert.equal(seen.get(`${spread.name}_sum{gateway="s3",operation="GetObject"}`), 100.0035);
  });

  test(`${name}: labels other than the metric's own are refused`, () => {
    const { metrics } = make();
    const loose: Readonly<Record<string, string>> = { gateway: "s3", key: "of-a-client" };
    assert.throws(() => metrics.counter({ ...counted, labels: ["gateway", "code"] as string[] }, loose));
  });
}
