/**
 * 10,000 connections to one server: all idle, then a thousand of them with a request every round, while one client measures
 * how long a small read takes. Needs `ulimit -n` of 24,000 for the server and 12,000 for this process.
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RawConnection } from "../store/raw-connection.ts";
import { ask, headOf } from "../store/s3-request.ts";
import { ServerChild } from "../store/server-child.ts";

const count = 10_000;
const activeCount = 1000;
const rounds = 5;
/** What one idle connection may cost the server. */
const bytesPerConnectionMax = 32 * 1024;
const p99MsMax = 1000;

export async function connections(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-connections-"));
  const server = await ServerChild.start({ data });
  const open: RawConnection[] = [];
  try {
    const port = server.s3Port;
    await ask(port, { method: "PUT", path: "/bucket" });
    await ask(port, { method: "PUT", path: "/bucket/small", body: "small" });
    report("without connections", await latencies(port));
    const before = await server.anonymousBytes();
    while (open.length < count - 50) {
      const more = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(port)));
      open.push(...more);
    }
    const each = ((await server.anonymousBytes()) - before) / open.length;
    console.log(`${open.length} idle connections: ${(each / 1024).toFixed(1)} KiB each`);
    assert.ok(each < bytesPerConnectionMax);
    const idle = await latencies(port);
    report(`beside ${open.length} idle ones`, idle);
    assert.ok(idle.p99 < p99MsMax);
    const read = headOf(port, { path: "/bucket/small" });
    for (let round = 1; round <= rounds; round++) {
      const active = open.filter((one) => !one.isClosed).slice(-activeCount);
      assert.equal(active.length, activeCount);
      const startedMs = performance.now();
      await Promise.all(active.map((one) => one.send(read)));
      await Promise.all(active.map((one) => one.received(new RegExp(`(HTTP/1\\.1 200 [^]*){${round}}`))));
      console.log(
        `round ${round}: ${activeCount} of them answered in ${(performance.now() - startedMs).toFixed(0)} ms`,
      );
    }
    for (const one of open) one.destroy();
    report("after they left", await latencies(port));
    const left = (await server.anonymousBytes()) - before;
    console.log(`${(left / 2 ** 20).toFixed(0)} MiB more than before they came`);
  } finally {
    for (const one of open) one.destroy();
    await server.end("SIGTERM");
    await rm(data, { recursive: true, force: true });
  }
}

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

async function latencies(port: number): Promise<Latencies> {
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const startedMs = performance.now();
    assert.equal((await ask(port, { path: "/bucket/small" })).status, 200);
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  return { p50: times[100] ?? 0, p99: times[198] ?? 0 };
}

function report(when: string, { p50, p99 }: Latencies): void {
  console.log(
    `a small read on a new connection ${when}: median ${p50.toFixed(1)} ms, 99th of 100 ${p99.toFixed(1)} ms`,
  );
}
