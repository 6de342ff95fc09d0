/** Small and large objects over S3 with SigV4, against a bare node:http server given the same requests. */

import type { LoadPhase, LoadResult, RequestPattern } from "../load/message.ts";
import { runLoad } from "../load/run-load.ts";
import type { Round, Row, Target } from "../report.ts";
import type { ChildServer } from "../servers/child-server.ts";
import { startBareServer, startHoldfast } from "../servers/child-server.ts";

const MiB = 1024 * 1024;
const roundCount = 3;
const durable = "the file, before the answer";

interface Workload {
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
  size: "4 KiB",
  bytes: 4096,
  connections: 64,
  warmupRequests: 150,
  requests: 600,
  keysPerConnection: 600,
  unsignedPayload: false,
  sinkDigest: "none",
  ratioMin: { PUT: 0.35, GET: 0.55 },
};

const large: Workload = {
  size: "64 MiB",
  bytes: 64 * MiB,
  connections: 4,
  warmupRequests: 1,
  requests: 5,
  keysPerConnection: 2,
  unsignedPayload: true,
  sinkDigest: "md5",
  ratioMin: { PUT: 0.9, GET: 0.7 },
};

export function smallObjects(): Promise<readonly Row[]> {
  return compare(small, (result) => result.requests / result.seconds, "requests/s");
}

export function largeObjects(): Promise<readonly Row[]> {
  return compare(large, (result) => (result.requests * large.bytes) / 1e6 / result.seconds, "MB/s");
}

async function compare(
  work: Workload,
  rate: (result: LoadResult) => number,
  unit: string,
): Promise<readonly Row[]> {
  const rounds: { readonly PUT: Round[]; readonly GET: Round[] } = { PUT: [], GET: [] };
  for (let i = 0; i < roundCount; i++) {
    for (const method of ["PUT", "GET"] as const) {
      // Ours and the limit, one behind the other in each round: both meet the machine in the same mood.
      const ours = await underLoad(startHoldfast(), work, method);
      const bare = await underLoad(startBareServer(work.bytes, work.sinkDigest), work, method);
      const generatorCores = Math.max(coresOf(ours), coresOf(bare));
      rounds[method].push({ value: rate(ours), limit: rate(bare), generatorCores });
    }
  }
  const sink = work.sinkDigest === "md5" ? "bare node:http sink that takes MD5" : "bare node:http sink";
  const name = (method: string): string =>
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

async function underLoad(
  starting: Promise<ChildServer>,
  work: Workload,
  method: "PUT" | "GET",
): Promise<LoadResult> {
  const server = await starting;
  try {
    const { port, accessKey, secretKey } = server;
    const { keysPerConnection, unsignedPayload, bytes } = work;
    const pattern = {
      bucket: "bench",
      keyPrefix: "k",
      keysPerConnection,
      unsignedPayload,
      accessKey,
      secretKey,
    };
    const phase = (requestMethod: "PUT" | "GET", requestsPerConnection: number): LoadPhase => {
      const request: RequestPattern = {
        ...pattern,
        method: requestMethod,
        bodyBytes: requestMethod === "PUT" ? bytes : 0,
      };
      return { requestsPerConnection, request };
    };
    // Reads need the files there first; the bare server takes the same warm-up.
    const before = method === "GET" ? [phase("PUT", keysPerConnection)] : [];
    const rounds = [...before, phase(method, work.warmupRequests), phase(method, work.requests)];
    const results = await runLoad({ port, connections: work.connections, rounds });
    const measured = results.at(-1);
    if (measured === undefined) throw new Error("no result");
    return measured;
  } finally {
    await server.stop();
  }
}

function coresOf(result: LoadResult): number {
  return result.cpuSeconds / result.seconds;
}
