/** Where the time of three nodes goes for each request of 4 KiB that the first of them is sent. */

import { present } from "@holdfast/base";
import { freePorts } from "@holdfast/test-chaos";
import { runLoad } from "../load/run-load.ts";
import { HoldfastCluster } from "../servers/holdfast-cluster.ts";
import { accessKey, bucket, secretKey } from "../servers/server-process.ts";
import { InspectedProcess } from "./inspected-process.ts";
import type { Owner } from "./self-time.ts";
import { printSelfTime } from "./self-time.ts";

const size = 3;
const connections = 64;
const warmupRequests = 300;
const requests = 300;
const keysPerConnection = 100;

export async function profileClusterRequests(method: "PUT" | "GET", by: Owner): Promise<void> {
  const inspectPorts = await freePorts(size);
  const cluster = await HoldfastCluster.start(size, inspectPorts);
  try {
    const processes = await Promise.all(inspectPorts.map((port) => InspectedProcess.open(port)));
    const port = present(cluster.ports[0], "a node");
    await load(port, "PUT", warmupRequests);
    await load(port, method, warmupRequests);
    const before = await Promise.all(processes.map((each) => each.cpuMicros()));
    const rate = await load(port, method, requests);
    const after = await Promise.all(processes.map((each) => each.cpuMicros()));
    console.log(`${method} 4 KiB, ${size} nodes: ${Math.round(rate)} requests/s`);
    for (const each of processes) await each.beginProfile();
    await load(port, method, requests);
    for (const [node, each] of processes.entries()) {
      const [from, to] = [present(before[node], "usage"), present(after[node], "usage")];
      const used = (kind: "main" | "all"): string =>
        ((to[kind] - from[kind]) / connections / requests).toFixed(1);
      const role = node === 0 ? "the node that is asked" : "another node";
      console.log(`${role}: ${used("main")} us of CPU on the main thread, ${used("all")} in all`);
      printSelfTime(await each.endProfile(), connections * requests, by);
      each.close();
    }
  } finally {
    await cluster.stop();
  }
}

async function load(port: number, method: "PUT" | "GET", requestsPerConnection: number): Promise<number> {
  const bodyBytes = method === "PUT" ? 4096 : 0;
  const keys = { accessKey, secretKey, unsignedPayload: false };
  const request = { method, bucket, keyPrefix: "k", keysPerConnection, bodyBytes, ...keys };
  const order = { ports: [port], connections, rounds: [{ requestsPerConnection, request }] };
  const [result] = await runLoad(order);
  if (result === undefined) throw new Error("no result");
  return result.requests / result.seconds;
}
