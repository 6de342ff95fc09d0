/** How long small requests take while a fourth node is being filled, against the same load before it came. */

import { setTimeout as delay } from "node:timers/promises";
import { MiB } from "@holdfast/base";
import type { LoadPhase, LoadResult } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row } from "../report.ts";
import { median } from "../report.ts";
import type { HoldfastCluster } from "../servers/holdfast-cluster.ts";
import { accessKey, bucket, secretKey } from "../servers/server-process.ts";

const stored = { files: 75, bytes: 4 * MiB };
const windows = 5;
/** A window's load, of each method: well below what the nodes can do, so that waiting shows and not their limit. */
const load = { connections: 12, everyMs: 120, requests: 20, bytes: 4096 };
const ratioMax = 2;
const changeMsMax = 60_000;
const lookMs = 20;

interface Window {
  readonly PUT: LoadResult;
  readonly GET: LoadResult;
}

export async function fillingRows(cluster: HoldfastCluster): Promise<readonly Row[]> {
  const ports = [...cluster.ports];
  await fill(ports);
  // The first one brings the files that are read.
  await runWindow(ports);
  const before: Window[] = [];
  for (let i = 0; i < windows; i++) before.push(await runWindow(ports));
  await cluster.join();
  await untilChanging(cluster);
  const during: Window[] = [];
  const startedAtMs = performance.now();
  while (during.length < windows && (await isChanging(cluster))) during.push(await runWindow(ports));
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const isOver = !(await isChanging(cluster));
  const note = `${during.length} windows during the change, ${isOver ? "which took" : "measured for"} ${seconds} s; ${(stored.files * stored.bytes) / MiB} MiB in ${stored.files} files`;
  return [rowOf("PUT", before, during, note), rowOf("GET", before, during, note)];
}

function rowOf(
  method: "PUT" | "GET",
  before: readonly Window[],
  during: readonly Window[],
  note: string,
): Row {
  const p99 = (all: readonly Window[]): number => median(all.map((window) => window[method].p99Ms));
  const failures = (all: readonly Window[]): number =>
    all.reduce((sum, window) => sum + window[method].failures, 0);
  const limit = p99(before);
  const rounds = during.map((window): Round => ({ value: window[method].p99Ms, limit, generatorCores: 0 }));
  const rate = (load.connections * 1000) / load.everyMs;
  const failed = `${failures(before)} of them failed before, ${failures(during)} during the change`;
  return {
    name: `p99 of ${method} ${load.bytes / 1024} KiB while a fourth node is being filled, ${rate}/s of each method`,
    unit: "ms",
    durable: method === "PUT" ? "each, on a quorum" : "-",
    limitName: `before it came, median of ${before.length} windows`,
    rounds,
    target: { of: "ratio", bound: "at most", is: ratioMax },
    notes: [note, failed],
  };
}

async function fill(ports: readonly number[]): Promise<void> {
  const connections = 3;
  const file = { bucket, keyPrefix: "filling", keysPerConnection: stored.files, bodyBytes: stored.bytes };
  const request = { method: "PUT", ...file, unsignedPayload: true, accessKey, secretKey } as const;
  await runLoad({
    ports,
    connections,
    rounds: [{ requestsPerConnection: stored.files / connections, request }],
  });
}

async function runWindow(ports: readonly number[]): Promise<Window> {
  const one = async (method: "PUT" | "GET"): Promise<LoadResult> => {
    const options = { ports, connections: load.connections, rounds: [phaseOf(method)] };
    const [result] = await runLoad(options, { mayFail: true });
    if (result === undefined) throw new Error("no result");
    return result;
  };
  const [PUT, GET] = await Promise.all([one("PUT"), one("GET")]);
  return { PUT, GET };
}

/** Both methods at the same keys. */
function phaseOf(method: "PUT" | "GET"): LoadPhase {
  const file = { bucket, keyPrefix: "window", keysPerConnection: load.requests };
  const bodyBytes = method === "PUT" ? load.bytes : 0;
  const request = { method, ...file, bodyBytes, unsignedPayload: false, accessKey, secretKey };
  return { requestsPerConnection: load.requests, everyMs: load.everyMs, request };
}

async function untilChanging(cluster: HoldfastCluster): Promise<void> {
  const endsAtMs = performance.now() + changeMsMax;
  while (!(await isChanging(cluster))) {
    if (performance.now() > endsAtMs) throw new Error("the layout does not change for the new node");
    await delay(lookMs);
  }
}

async function isChanging(cluster: HoldfastCluster): Promise<boolean> {
  return (await cluster.store.cluster()).partitions.change !== undefined;
}
