import assert from "node:assert/strict";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
import { realPageMemory } from "./page-memory.ts";
import { countFreshBytes } from "./young-memory.ts";

const MiB = 1024 * 1024;

test("young memory: what bodies passed through goes without a look at the whole heap", async () => {
  const kinds: unknown[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) kinds.push(kindOf(entry));
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().arrayBuffers;
  for (let read = 0; read < 1024; read++) {
    new Uint8Array(Buffer.allocUnsafeSlow(MiB).buffer)[0] = 1;
    countFreshBytes(MiB);
    if (read % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const kept = process.memoryUsage().arrayBuffers - before;
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  assert.ok(kept < 64 * MiB, `${kept} bytes are kept`);
  const majors = kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
  const minors = kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
  assert.ok(minors >= 32 && majors <= 8, `${minors} looks at new space, ${majors} at everything`);
});

test("young memory: page memory that was dropped does not gather, though V8 does not count it", async () => {
  const before = process.memoryUsage().rss;
  let most = 0;
  for (let made = 0; made < 1024; made++) {
    realPageMemory.allocate(MiB).fill(1);
    most = Math.max(most, process.memoryUsage().rss - before);
    if (made % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(most < 600 * MiB, `${most} bytes of dropped memory`);
});

function kindOf(entry: object): unknown {
  const detail: unknown = "detail" in entry ? entry.detail : undefined;
  return typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : undefined;
}
