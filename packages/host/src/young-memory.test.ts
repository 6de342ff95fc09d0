import assert from "node:assert/strict";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { test } from "node:test";
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

function kindOf(entry: object): unknown {
  const detail: unknown = "detail" in entry ? entry.detail : undefined;
  return typeof detail === "object" && detail !== null && "kind" in detail ? detail.kind : undefined;
}
