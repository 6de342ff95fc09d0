/** Small and large objects over S3 with SigV4, against a bare node:http server given the same requests. */

import type { LoadResult } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row, Target } from "../report.ts";
import type { ChildServer } from "../servers/child-server.ts";
import { startBareServer, startHoldfast, startHoldfastServer } from "../servers/child-server.ts";
import { diskLimit } from "./disk-limit.ts";

const MiB = 1024 * 1024;
const durable = "the file, before the answer";

interface Workload {
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
  const [puts, gets] = await compare(
    large,
    (result) => (result.requests * large.bytes) / 1e6 / result.seconds,
    "MB/s",
  );
  if (puts === undefined || gets === undefined) throw new Error("no rows");
  const perGb = (micros: number): string => `a GB ${(micros / 1e6 / (large.bytes / 1e9)).toFixed(2)} s`;
  return [withCpu(puts, perGb), await diskRow(puts), withCpu(gets, perGb)];
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

/** The server's CPU time of each round stands on the page too: it tells more than a rate where others use the machine. */
function withCpu(row: Row, text: (micros: number) => string): Row {
  const notes = row.rounds.flatMap(({ cpuMicros }) =>
    cpuMicros === undefined ? [] : `server CPU ${text(cpuMicros.value)}, bare ${text(cpuMicros.limit)}`,
  );
  return { ...row, notes };
}

type Method = "PUT" | "GET";

async function compare(
  work: Workload,
  rate: (result: LoadResult) => number,
  unit: string,
): Promise<readonly Row[]> {
  const rounds: Readonly<Record<Method, Round[]>> = { PUT: [], GET: [] };
  for (let i = 0; i < work.sessions; i++) await runSession(work, rate, rounds);
  const sink = work.sinkDigest === "md5" ? "bare node:http sink that takes MD5" : "bare node:http sink";
  const name = (method: Method): string =>
    `${method} ${work.size}, S3, SigV4, ${work.connections} connections`;
  const target = (is: number): Target => ({ of: "ratio", bound: "at least", is });
  const puts = { durable, limitName: sink, rounds: rounds.PUT, target: target(work.ratioMin.PUT) };
  const source = "bare node:http source";
  const gets = { durable: "-", limitName: source, rounds: rounds.GET, target: target(work.ratioMin.GET) };
  return [
    { name: name("PUT"), unit, ...puts },
    { name: name("GET"), unit, ...gets },
  ];
}

async function runSession(
  work: Workload,
  rate: (result: LoadResult) => number,
  rounds: Readonly<Record<Method, Round[]>>,
): Promise<void> {
  const ours = await work.start();
  const bare = await startBareServer(work.bytes, work.sinkDigest).catch((cause: unknown) =>
    stopAll(cause, [ours]),
  );
  try {
    // Code is compiled by then, and what is read later is there.
    for (const server of [ours, bare])
      for (const method of ["PUT", "GET"] as const)
        await underLoad(server, work, method, work.warmupRequests);
    for (let i = 0; i < work.rounds; i++) {
      for (const method of ["PUT", "GET"] as const) {
        // Ours and the limit, one behind the other in each round: both meet the machine in the same mood.
        const value = await underLoad(ours, work, method, work.requests);
        const limit = await underLoad(bare, work, method, work.requests);
        rounds[method].push({
          value: rate(value),
          limit: rate(limit),
          cpuMicros: { value: value.serverMicros, limit: limit.serverMicros },
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

/** The load's result, and the server's CPU time for each of its requests. */
async function underLoad(
  server: ChildServer,
  work: Workload,
  method: Method,
  requestsPerConnection: number,
): Promise<LoadResult & { readonly serverMicros: number }> {
  const { port, accessKey, secretKey } = server;
  const { keysPerConnection, unsignedPayload, connections } = work;
  const bodyBytes = method === "PUT" ? work.bytes : 0;
  const file = { bucket: "bench", keyPrefix: "k", keysPerConnection };
  const request = { method, ...file, bodyBytes, unsignedPayload, accessKey, secretKey };
  const before = await server.cpuMicros();
  const [result] = await runLoad({ port, connections, rounds: [{ requestsPerConnection, request }] });
  if (result === undefined) throw new Error("no result");
  return { ...result, serverMicros: ((await server.cpuMicros()) - before) / result.requests };
}

function coresOf(result: LoadResult): number {
  return result.cpuSeconds / result.seconds;
}
