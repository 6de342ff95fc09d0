import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { suite, test } from "node:test";
import type { Metric } from "@holdfast/ports";
import { allMetrics, histogramBuckets, metricList } from "@holdfast/ports";
import { metricsContract } from "@holdfast/ports/contract";
import { processMetrics } from "./process-metrics.ts";
import { prometheusMetrics } from "./prometheus-metrics.ts";

suite("prometheus metrics", () => {
  metricsContract("prometheus metrics", () => {
    const { metrics, page } = prometheusMetrics();
    return { metrics, scrape: async () => parse((await page()).text) };
  });

  test("a page explains every metric of the registry, and says that it is Prometheus' text format", async () => {
    const { contentType, text } = await prometheusMetrics().page();
    assert.match(contentType, /^text\/plain; version=0\.0\.4/);
    for (const { name, help, kind } of metricList) {
      assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`), name);
    }
  });

  test("a page has the process' own metrics: CPU, memory, event loop, garbage collection, open files", async () => {
    const seen = parse((await prometheusMetrics().page()).text);
    for (const name of [
      "process_cpu_seconds_total",
      "process_resident_memory_bytes",
      "nodejs_eventloop_lag_p99_seconds",
      "nodejs_heap_size_used_bytes",
    ])
      assert.ok(Number.isFinite(seen.get(name)), name);
    assert.ok(metricsOfProcess().some(({ name }) => name === "nodejs_gc_duration_seconds"));
    if (process.platform === "linux") assert.ok((seen.get("process_open_fds") ?? 0) > 0);
  });

  test("scrapes that come while one is read get the same page, and the next one reads anew", async () => {
    const { metrics, page } = prometheusMetrics();
    const { promise, resolve } = Promise.withResolvers<number>();
    let reads = 0;
    metrics.watch(allMetrics.diskFree, {}, () => {
      reads++;
      return promise;
    });
    const pages = Array.from({ length: 10 }, () => page());
    resolve(1);
    const [first, ...rest] = await Promise.all(pages);
    assert.ok(rest.every((each) => each === first));
    assert.equal(reads, 1);
    await page();
    assert.equal(reads, 2);
  });

  test("two servers of one process count apart", async () => {
    const [first, second] = [prometheusMetrics(), prometheusMetrics()];
    first.metrics.counter(allMetrics.blockPuts, {}).add(3);
    second.metrics.counter(allMetrics.blockPuts, {}).add(1);
    assert.equal(parse((await first.page()).text).get("holdfast_block_puts_total"), 3);
  });

  test("counting costs well below a microsecond", () => {
    const { metrics } = prometheusMetrics();
    const counter = metrics.counter(allMetrics.httpErrors, { gateway: "s3", code: "NoSuchKey" });
    const histogram = metrics.histogram(allMetrics.httpDuration, { gateway: "s3", operation: "GetObject" });
    const rounds = 200_000;
    const count = (): number => {
      const begin = process.cpuUsage();
      for (let i = 0; i < rounds; i++) {
        counter.add(1);
        histogram.observe((i % 100) / 1000);
      }
      const { user } = process.cpuUsage(begin);
      return (user * 1000) / rounds;
    };
    count();
    const nsPerPair = Math.min(count(), count(), count());
    assert.ok(nsPerPair < 1000, `${nsPerPair} ns`);
  });
});

suite("docs/metrics.md", () => {
  test("names every metric, with what it says", async () => {
    const path = new URL("../../../../docs/metrics.md", import.meta.url);
    const expected = document();
    // Rewritten by HOLDFAST_REWRITE=1 and reviewed as a diff.
    if (process.env["HOLDFAST_REWRITE"] === "1") await writeFile(path, expected);
    assert.equal(await readFile(path, "utf8"), expected);
  });
});

/** Comments say nothing here; each other line is a series and its value. */
function parse(text: string): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    const key = line.slice(0, space);
    assert.ok(!seen.has(key), `${key} twice`);
    seen.set(key, Number(line.slice(space + 1)));
  }
  return seen;
}

interface ProcessMetric {
  readonly name: string;
  readonly help: string;
}

function metricsOfProcess(): readonly ProcessMetric[] {
  return processMetrics()
    .getMetricsAsArray()
    .map(({ name, help }) => ({ name, help }));
}

function document(): string {
  const rows = metricList.map((metric) => {
    const labels = metric.labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${metric.name}\` | ${kindText(metric)} | ${labels} | ${metric.help} |`;
  });
  const buckets = Object.entries(histogramBuckets).map(
    ([name, bounds]) => `| ${name} | ${bounds.join(", ")} |`,
  );
  const ofProcess = metricsOfProcess().map(
    ({ name, help }) => `| \`${name}\` | ${help.replace(/\.?$/, ".")} |`,
  );
  return `${introduction}
## Holdfast

| metric | kind | labels | says |
| --- | --- | --- | --- |
${rows.join("\n")}

Label values come from closed sets in the code: a client cannot make new ones. Sums over all shards stand for shards,
since there may be 4,096 of them.

| buckets | upper bounds |
| --- | --- |
${buckets.join("\n")}

## The process

| metric | says |
| --- | --- |
${ofProcess.join("\n")}
`;
}

function kindText(metric: Metric): string {
  return metric.kind === "histogram" ? `histogram (${metric.buckets})` : metric.kind;
}

const introduction = `# Metrics

A node shows what it counts at \`/metrics\` on its HTTP port (the S3 port + 1), in Prometheus' text format:

\`\`\`yaml
scrape_configs:
  - job_name: holdfast
    authorization: { type: Bearer, credentials_file: /etc/prometheus/holdfast-token }
    static_configs: [{ targets: ["10.0.0.1:9001"] }]
\`\`\`

Without \`metricsToken\` in the node's \`config.yaml\` only callers on the node's own machine may read them. With it, every
caller sends it, those on the same machine too: a proxy there would make everybody look local.

This page is made from \`packages/ports/src/metric-registry.ts\`; a test keeps both equal
(\`HOLDFAST_REWRITE=1 npx node --conditions=holdfast-source --test packages/host/src/metrics/prometheus-metrics.test.ts\`
writes it anew).

## What to watch

| question | look at |
| --- | --- |
| are requests served | \`rate(holdfast_http_requests_total[5m])\` by \`status\`; \`holdfast_node_ready\` |
| how fast | \`histogram_quantile(0.99, sum by (le, operation) (rate(holdfast_http_request_duration_seconds_bucket[5m])))\` |
| is the disk slow | \`holdfast_log_sync_duration_seconds\`, \`holdfast_block_sync_duration_seconds\`, both queues |
| is it full | \`holdfast_disk_free_bytes - holdfast_disk_reserve_bytes\`, \`holdfast_node_writable\` |
| did it lose anything | \`increase(holdfast_block_damage_found_total[1h]) > 0\`, \`holdfast_log_failed\` |
| how long would a start take | \`holdfast_checkpoint_lag_entries\` |
| is the process overloaded | \`nodejs_eventloop_lag_p99_seconds\`, \`rate(process_cpu_seconds_total[5m])\` |
`;
