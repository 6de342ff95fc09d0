/**
 * A load generator that is a program as users write them: our client, so many calls under way at each node at once, each begun
 * when the one before is answered. What the client costs is in it.
 */

import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import type { ClientLoadOrder, LoadResult } from "./message.ts";

process.on("message", (order: ClientLoadOrder) => void carryOut(order));

async function carryOut(order: ClientLoadOrder): Promise<void> {
  const { ports, accessKey, secretKey, stream } = order;
  const stores = await Promise.all(
    ports.map((port) => connect({ endpoint: `http://127.0.0.1:${port}`, accessKey, secretKey, stream })),
  );
  // Code is compiled and streams are open by then.
  await run(stores, order, order.warmUp);
  process.send?.(await run(stores, order, order.requests));
  for (const store of stores) store.close();
  process.disconnect();
}

async function run(stores: readonly Store[], order: ClientLoadOrder, requests: number): Promise<LoadResult> {
  const { inflight, bucket, bodyBytes } = order;
  const body = new Uint8Array(bodyBytes).fill(0x5a);
  const latencies: number[] = [];
  let [next, failures] = [0, 0];
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const work = async (store: Store | undefined, worker: number): Promise<void> => {
    for (let i = 0; next < requests; i++) {
      next++;
      const begunAt = performance.now();
      await store?.storeFile(`${bucket}/client${worker}-${i % 100}`, body).catch(() => failures++);
      latencies.push(performance.now() - begunAt);
    }
  };
  await Promise.all(Array.from({ length: inflight }, (_, i) => work(stores[i % stores.length], i)));
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    bytesReceived: 0,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    failures,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}
