/** Small and large objects over S3 with SigV4, against a bare node:http server given the same requests. */

import type { LoadResult } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row, Target } from "../report.ts";
import type { ChildServer } from "../servers/child-server.ts";
import { startBareServer, startHoldfast, startHoldfastServer } from "../servers/child-server.ts";
import { diskLimit } from "./disk-limit.ts";

const MiB = 1024 * 1024;
const durable = "the file, before the answer";

/** "first GET": each file once, right after it was stored. */
type Measure = "PUT" | "first GET" | "GET";

interface Workload {
  readonly measures: readonly Measure[];
  readonly start: () => Promise<ChildServer>;
  /** Each starts both servers anew: what a session stores is deleted behind it. */
  readonly sessions: number;
  /** Of each method, in each session. */
  readonly rounds: number;
  readonly size: string;
  readonly bytes: number;
  readonly connections: number;
  readonly warmupRequests: number;
  readonly requests: number;
  readonly keysPerConnection: number;
  readonly unsignedPayload: boolean;
  /** What the bare sink does with a body besides reading it. */
  readonly sinkDigest: "none" | "md5";
  /** What the ratio to the bare server has to reach. */
  readonly ratioMin: { readonly PUT: number; readonly GET: number };
}

const small: Workload = {
  measures: ["PUT", "GET"],
  start: startHoldfast,
  sessions: 1,
  rounds: 5,
  size: "4 KiB",
  bytes: 4096,
  connections: 64,
  warmupRequests: 600,
  requests: 400,
  keysPerConnection: 400,
  unsignedPayload: false,
  sinkDigest: "none",
  ratioMin: { PUT: 0.35, GET: 0.5 },
};

const large: Workload = {
  measures: ["PUT", "first GET", "GET"],
  start: startHoldfastServer,
  sessions: 3,
  rounds: 1,
  size: "64 MiB",
  bytes: 64 * MiB,
  connections: 4,
  warmupRequests: 2,
  requests: 5,
  keysPerConnection: 2,
  unsignedPayload: true,
  sinkDigest: "md5",
  ratioMin: { PUT: 0.9, GET: 0.7 },
};

export async function smallObjects(): Promise<readonly Row[]> {
  const rows = await compare(small, (result) => result.requests / result.seconds, "requests/s");
  return rows.map((row) => withCpu(row, (micros) => `each ${micros.toFixed(1)} us`));
}

export async function largeObjects(): Promise<readonly Row[]> {
  const [puts, ...gets] = await compare(
    large,
    (result) => (result.requests * large.bytes) / 1e6 / result.seconds,
    "MB/s",
  );
  if (puts === undefined) throw new Error("no rows");
  return [withCpu(puts, perGb), await diskRow(puts), ...gets.map((row) => withCpu(row, perGb))];
}

/** The second limit of a durable PUT, as often as there were rounds; the sink beside it stores nothing. */
async function diskRow(puts: Row): Promise<Row> {
  const rounds: Round[] = [];
  for (const { limit } of puts.rounds) {
    const bytes = large.connections * large.requests * large.bytes;
    rounds.push({ value: (await diskLimit(bytes)) / 1e6, limit, generatorCores: 0 });
  }
  const name = "the disk alone: as many bytes in blocks of 1 MiB, six to a write and fdatasync, overlapping";
  return { name, unit: puts.unit, durable: "each group", limitName: puts.limitName, rounds };
}

function perGb(micros: number): string {
  return `a GB ${secondsPerGb(micros)} s`;
}

function secondsPerGb(micros: number): string {
  return (micros / 1e6 / (large.bytes / 1e9)).toFixed(2);
}

/** The server's CPU time of each round stands on the page too: it tells more than a rate where others use the machine. */
function withCpu(row: Row, text: (micros: number) => string): Row {
  const notes = row.rounds.flatMap(({ cpuMicros, threadMicros = {} }) => {
    if (cpuMicros === undefined) return [];
    const threads = Object.entries(threadMicros)
      .filter(([, micros]) => micros > cpuMicros.value / 100)
      .map(([name, micros]) => `${name} ${text(micros)}`);
    const byThread = threads.length === 0 ? "" : ` (${threads.join(", ")})`;
    return [`server CPU ${text(cpuMicros.value)}${byThread}, bare ${text(cpuMicros.limit)}`];
  });
  return { ...row, notes };
}

type Rounds = ReadonlyMap<Measure, Round[]>;

async function compare(
  work: Workload,
  rate: (result: LoadResult) => number,
  unit: string,
): Promise<readonly Row[]> {
  const rounds: Rounds = new Map(work.measures.map((measure) => [measure, []]));
  for (let i = 0; i < work.sessions; i++) await runSession(work, rate, rounds);
  return [...rounds].map(([measure, measured]) => rowOf(work, measure, measured, unit));
}

function rowOf(work: Workload, measure: Measure, rounds: readonly Round[], unit: string): Row {
  const name = `${measure} ${work.size}, S3, SigV4, ${work.connections} connections`;
  const target = (is: number): Target => ({ of: "ratio", bound: "at least", is });
  switch (measure) {
    case "PUT": {
      const limitName =
        work.sinkDigest === "md5" ? "bare node:http sink that takes MD5" : "bare node:http sink";
      return { name, unit, durable, limitName, rounds, target: target(work.ratioMin.PUT) };
    }
    case "first GET":
      return { name, unit, durable: "-", limitName: source, rounds };
    case "GET":
      return { name, unit, durable: "-", limitName: source, rounds, target: target(work.ratioMin.GET) };
  }
}

const source = "bare node:http source";

async function runSession(
  work: Workload,
  rate: (result: LoadResult) => number,
  rounds: Rounds,
): Promise<void> {
  const ours = await work.start();
  const bare = await startBareServer(work.bytes, work.sinkDigest).catch((cause: unknown) =>
    stopAll(cause, [ours]),
  );
  try {
    // Code is compiled by then.
    for (const server of [ours, bare])
      for (const method of ["PUT", "GET"] as const)
        await underLoad(server, work, method, work.warmupRequests);
    for (let i = 0; i < work.rounds; i++) {
      for (const [measure, measured] of rounds) {
        // The second reading brings what is read into the system's cache: a store that is read is measured, not a disk.
        if (measure === "GET" && rounds.has("first GET"))
          await underLoad(ours, work, "GET", work.keysPerConnection);
        const method = measure === "PUT" ? "PUT" : "GET";
        const requests = measure === "first GET" ? work.keysPerConnection : work.requests;
        // Ours and the limit, one behind the other in each round: both meet the machine in the same mood.
        const value = await underLoad(ours, work, method, requests);
        const limit = await underLoad(bare, work, method, requests);
        measured.push({
          value: rate(value),
          limit: rate(limit),
          cpuMicros: { value: value.serverMicros, limit: limit.serverMicros },
          threadMicros: value.threadMicros,
          generatorCores: Math.max(coresOf(value), coresOf(limit)),
        });
      }
    }
  } finally {
    await Promise.all([ours.stop(), bare.stop()]);
  }
}

async function stopAll(cause: unknown, servers: readonly ChildServer[]): Promise<never> {
  for (const server of servers) await server.stop();
  throw cause;
}

interface ServedLoad extends LoadResult {
  /** CPU time of the server for each request. */
  readonly serverMicros: number;
  /** The same by the names of its threads. */
  readonly threadMicros: Readonly<Record<string, number>>;
}

async function underLoad(
  server: ChildServer,
  work: Workload,
  method: "PUT" | "GET",
  requestsPerConnection: number,
): Promise<ServedLoad> {
  const { port, accessKey, secretKey } = server;
  const { keysPerConnection, unsignedPayload, connections } = work;
  const bodyBytes = method === "PUT" ? work.bytes : 0;
  const file = { bucket: "bench", keyPrefix: "k", keysPerConnection };
  const request = { method, ...file, bodyBytes, unsignedPayload, accessKey, secretKey };
  const before = await server.cpuMicros();
  const threadsBefore = server.cpuSecondsByThread();
  const [result] = await runLoad({
    ports: [port],
    connections,
    rounds: [{ requestsPerConnection, request }],
  });
  if (result === undefined) throw new Error("no result");
  const serverMicros = ((await server.cpuMicros()) - before) / result.requests;
  const threadMicros: Record<string, number> = {};
  for (const [name, seconds] of server.cpuSecondsByThread())
    threadMicros[name] = (1e6 * (seconds - (threadsBefore.get(name) ?? 0))) / result.requests;
  return { ...result, serverMicros, threadMicros };
}

function coresOf(result: LoadResult): number {
  return result.cpuSeconds / result.seconds;
}
