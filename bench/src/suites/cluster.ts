/**
 * Three nodes, each the real `holdfast server` in a process of its own, in which each file has three replicas: against etcd, against
 * one node on the same cores, and while a fourth node is being filled. The load goes to all nodes alike.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MiB } from "@holdfast/base";
import { freePorts } from "@holdfast/test-chaos";
import type { LoadPhase, LoadResult } from "../load/message.ts";
import { runClientLoad, runLoad } from "../load/run-load.ts";
import type { Round, Row } from "../report.ts";
import { EtcdCluster, etcdClients, etcdVersion } from "../servers/etcd.ts";
import { HoldfastCluster } from "../servers/holdfast-cluster.ts";
import { anonymousMiB, cpuSeconds, peakMemory } from "../servers/process-usage.ts";
import type { ServerProcess } from "../servers/server-process.ts";
import { accessKey, bucket, secretKey, startServerProcess } from "../servers/server-process.ts";
import { fillingRows } from "./cluster-filling.ts";
import { timed } from "./registers.ts";

const size = 3;
const inflight = 64;
const roundCount = 3;
const value = { api: "HTTP", bytes: 256, requests: 100 } as const;
const small = { bytes: 4096, warmUp: 200, requests: 100 } as const;
const large = { bytes: 64 * MiB, connections: 3, requests: 1 } as const;
/** Calls one after the other, of each in flight: first until code is compiled and streams are open. */
const streamed = { warmUp: 20, requests: 300 } as const;
const etcdPuts = 1500;
const nodeMiBMax = 400;
const quorum = "each, on a quorum";

export async function clusterSuite(): Promise<readonly Row[]> {
  const cluster = await HoldfastCluster.start(size);
  try {
    const atRest = cluster.nodes.map(({ pid }) => anonymousMiB(pid));
    // Code is compiled by then.
    await smallLoad(cluster.ports, "PUT", small.warmUp);
    await valueLoad(cluster, small.warmUp);
    const measured = againstOthers(cluster);
    const peaks = await Promise.all(cluster.nodes.map(({ pid }) => peakMemory(pid, measured)));
    const memory = memoryRow(
      atRest,
      peaks.map(({ peakMiB }) => peakMiB),
    );
    return [...(await measured), memory, ...(await fillingRows(cluster))];
  } finally {
    await cluster.stop();
  }
}

async function againstOthers(cluster: HoldfastCluster): Promise<readonly Row[]> {
  const version = etcdVersion();
  if (version === undefined) console.log("etcd is not installed (Debian: etcd-server): its row is left out");
  const values = version === undefined ? [] : await valueRows(cluster, version);
  const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const alone = await startServerProcess(data);
  try {
    return [...values, ...(await smallRows(cluster, alone)), await largeRow(cluster, alone)];
  } finally {
    await alone.kill();
    await rm(data, { recursive: true, force: true });
  }
}

/**
 * Small writes over requests and over the client's stream, against etcd, which gets the same load from the same generator, on as
 * many connections to each node; etcd also by its own clients, which need more of a core.
 */
async function valueRows(cluster: HoldfastCluster, version: string): Promise<readonly Row[]> {
  const etcdPorts = await freePorts(2 * size);
  const etcd = await EtcdCluster.start(etcdPorts, inflight);
  const generator = "raw sockets to its JSON gateway";
  const seen = new Map<string, number[]>([generator, ...etcdClients].map((name) => [name, []]));
  const [requests, streams] = [new ValueMeasure(cluster), new ValueMeasure(cluster)];
  try {
    for (let i = 0; i <= roundCount; i++) {
      printProgress(`values, round ${i}`);
      const asRequests = await requests.of(() => valueLoad(cluster, value.requests));
      const onStreams = await streams.of(() => streamLoad(cluster), inflight * streamed.warmUp);
      const theirs = await runOne(
        etcdPorts.filter((_, k) => k % 2 === 1),
        { ...valuePhase(value.requests), request: { ...valuePhase(0).request, api: "etcd" } },
      );
      const rates = [rateOf(theirs)];
      const text = "Z".repeat(value.bytes);
      for (const client of etcdClients)
        rates.push(await timed(etcdPuts, (k) => etcd.put(client, `k${k % 1000}`, text)));
      // The first round warms all of them up.
      if (i === 0) continue;
      for (const [k, list] of [...seen.values()].entries()) list.push(rates[k] ?? 0);
      const limit = Math.max(...rates);
      requests.note(asRequests, limit, coresOf(theirs));
      streams.note(onStreams, limit, 0);
    }
  } finally {
    await etcd.stop();
  }
  const row = {
    unit: "writes/s",
    durable: quorum,
    limitName: `etcd ${version}, ${size} members, the fastest of its clients`,
  };
  const etcdNotes = [...seen].map(
    ([name, rates]) => `etcd by ${name}: ${rates.map(Math.round).join(", ")} puts/s`,
  );
  const writes = `writes of ${value.bytes} B, ${size} nodes`;
  return [
    {
      ...row,
      name: `${writes}, Holdfast's HTTP API, ${inflight} connections`,
      rounds: requests.rounds,
      target: { of: "ratio", bound: "at least", is: 2.5 },
      notes: [...requests.notes, ...etcdNotes],
    },
    {
      ...row,
      name: `${writes}, Holdfast's client on one stream to each node, ${inflight} in flight`,
      rounds: streams.rounds,
      target: { of: "ratio", bound: "at least", is: 6 },
      notes: streams.notes,
    },
  ];
}

/** Rounds of one way to write, and what each write cost. */
class ValueMeasure {
  readonly rounds: Round[] = [];
  readonly notes: string[] = [];
  readonly #cluster: HoldfastCluster;
  #nodeMicros = 0;

  constructor(cluster: HoldfastCluster) {
    this.#cluster = cluster;
  }

  /** `warmUp`: what the load writes besides what it counts. */
  async of(load: () => Promise<LoadResult>, warmUp: number = 0): Promise<LoadResult> {
    const before = cpuOfNodes(this.#cluster);
    const result = await load();
    this.#nodeMicros = (1e6 * (cpuOfNodes(this.#cluster) - before)) / (result.requests + warmUp);
    return result;
  }

  note(result: LoadResult, limit: number, otherCores: number): void {
    const generatorMicros = (1e6 * result.cpuSeconds) / result.requests;
    this.rounds.push({
      value: rateOf(result),
      limit,
      generatorCores: Math.max(coresOf(result), otherCores),
    });
    this.notes.push(
      `CPU of all nodes each ${Math.round(this.#nodeMicros)} us, of the load generator ${Math.round(generatorMicros)} us`,
    );
  }
}

function streamLoad({ httpPorts }: HoldfastCluster): Promise<LoadResult> {
  return runClientLoad({
    ports: httpPorts,
    inflight,
    warmUp: inflight * streamed.warmUp,
    requests: inflight * streamed.requests,
    bucket,
    bodyBytes: value.bytes,
    stream: "auto",
    accessKey,
    secretKey,
  });
}

async function smallRows(cluster: HoldfastCluster, alone: ServerProcess): Promise<readonly Row[]> {
  const rounds = { PUT: [] as Round[], GET: [] as Round[] };
  const notes = { PUT: [] as string[], GET: [] as string[] };
  for (const method of ["PUT", "GET"] as const) await smallLoad([alone.port], method, small.warmUp);
  await smallLoad(cluster.ports, "GET", small.warmUp);
  for (let i = 0; i < roundCount; i++) {
    printProgress(`small files, round ${i + 1}`);
    for (const method of ["PUT", "GET"] as const) {
      const before = cpuOf(cluster, alone);
      const ours = await smallLoad(cluster.ports, method, small.requests);
      const limit = await smallLoad([alone.port], method, small.requests);
      const after = cpuOf(cluster, alone);
      const each = (of: "cluster" | "alone"): string =>
        `${Math.round((1e6 * (after[of] - before[of])) / ours.requests)} us`;
      notes[method].push(`CPU of all nodes each ${each("cluster")}, of one node alone ${each("alone")}`);
      const generatorCores = Math.max(coresOf(ours), coresOf(limit));
      rounds[method].push({ value: rateOf(ours), limit: rateOf(limit), generatorCores });
    }
  }
  const rowOf = (method: "PUT" | "GET", is: number): Row => ({
    name: `${method} ${small.bytes / 1024} KiB, S3, ${size} replicas on ${size} nodes, ${inflight} connections`,
    unit: "requests/s",
    durable: method === "PUT" ? quorum : "-",
    limitName: oneNode,
    rounds: rounds[method],
    target: { of: "ratio", bound: "at least", is },
    notes: notes[method],
  });
  return [rowOf("PUT", 0.4), rowOf("GET", 0.7)];
}

const oneNode = "one node on the same cores";

function cpuOf(
  cluster: HoldfastCluster,
  alone: ServerProcess,
): { readonly cluster: number; readonly alone: number } {
  return { cluster: cpuOfNodes(cluster), alone: cpuSeconds(alone.pid) };
}

function cpuOfNodes(cluster: HoldfastCluster): number {
  return cluster.nodes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
}

async function largeRow(cluster: HoldfastCluster, alone: ServerProcess): Promise<Row> {
  const rounds: Round[] = [];
  const rate = ({ requests, seconds }: LoadResult): number => (requests * large.bytes) / 1e6 / seconds;
  for (let i = 0; i < roundCount; i++) {
    printProgress(`large files, round ${i + 1}`);
    const ours = await largeLoad(cluster.ports);
    const limit = await largeLoad([alone.port]);
    const generatorCores = Math.max(coresOf(ours), coresOf(limit));
    rounds.push({ value: rate(ours), limit: rate(limit), generatorCores });
  }
  return {
    name: `PUT ${large.bytes / MiB} MiB, S3, ${size} replicas on ${size} nodes, ${large.connections} connections`,
    unit: "MB/s",
    durable: quorum,
    limitName: oneNode,
    rounds,
    target: { of: "ratio", bound: "at least", is: 0.45 },
  };
}

function memoryRow(atRest: readonly number[], peaks: readonly number[]): Row {
  const rounds = peaks.map((peak, i) => ({ value: peak, limit: atRest[i] ?? 0, generatorCores: 0 }));
  // The bound is for each node: the row shows the one that needed most.
  const most = rounds.reduce((a, b) => (b.value > a.value ? b : a));
  return {
    name: `RssAnon of a node, the most that one of ${size} had during the loads above`,
    unit: "MiB",
    durable: "-",
    limitName: "the same node at rest",
    rounds: [most],
    target: { of: "value", bound: "at most", is: nodeMiBMax },
    notes: [`of each node: ${peaks.map((peak) => Math.round(peak)).join(", ")} MiB`],
  };
}

function valueLoad(cluster: HoldfastCluster, requests: number): Promise<LoadResult> {
  return runOne(cluster.httpPorts, valuePhase(requests));
}

function valuePhase(requestsPerConnection: number): LoadPhase {
  const file = { bucket, keyPrefix: "value", keysPerConnection: 100, bodyBytes: value.bytes };
  const keys = { unsignedPayload: false, accessKey, secretKey };
  return { requestsPerConnection, request: { api: value.api, method: "PUT", ...file, ...keys } };
}

function smallLoad(
  ports: readonly number[],
  method: "PUT" | "GET",
  requestsPerConnection: number,
): Promise<LoadResult> {
  const bodyBytes = method === "PUT" ? small.bytes : 0;
  const file = { bucket, keyPrefix: "small", keysPerConnection: 100, bodyBytes };
  const request = { method, ...file, unsignedPayload: false, accessKey, secretKey };
  return runOne(ports, { requestsPerConnection, request });
}

function largeLoad(ports: readonly number[]): Promise<LoadResult> {
  const file = { bucket, keyPrefix: "large", keysPerConnection: 1, bodyBytes: large.bytes };
  const request = { method: "PUT", ...file, unsignedPayload: true, accessKey, secretKey } as const;
  return runOne(ports, { requestsPerConnection: large.requests, request }, large.connections);
}

async function runOne(
  ports: readonly number[],
  phase: LoadPhase,
  connections: number = inflight,
): Promise<LoadResult> {
  const [result] = await runLoad({ ports, connections, rounds: [phase] });
  if (result === undefined) throw new Error("no result");
  return result;
}

function printProgress(text: string): void {
  console.error(`  ${text}`);
}

function rateOf({ requests, seconds }: LoadResult): number {
  return requests / seconds;
}

function coresOf({ cpuSeconds: used, seconds }: LoadResult): number {
  return used / seconds;
}
