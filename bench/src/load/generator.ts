/**
 * The load generator, a process of its own: raw sockets, requests made and signed before the clock starts, closed loop
 * (a connection sends its next request when it has the answer to the one before).
 */

import type { Socket } from "node:net";
import { connect } from "node:net";
import { makeFilesRequests } from "./files-requests.ts";
import type { FilesPhase, LoadOrder, LoadPhase, LoadResult } from "./message.ts";
import { makeRequests } from "./requests.ts";
import { ResponseReader } from "./response-reader.ts";

process.on("message", (order: LoadOrder) => void carryOut(order));

async function carryOut(order: LoadOrder): Promise<void> {
  const { ports } = order;
  const connections = await Promise.all(
    Array.from({ length: order.connections }, (_, i) => open(ports[i % ports.length] ?? 0)),
  );
  for (const phase of order.rounds) process.send?.(await runPhase(connections, phase));
  for (const { socket } of connections) socket.destroy();
  process.disconnect();
}

interface Connection {
  readonly port: number;
  readonly socket: Socket;
  /** What arrives, in memory that the next read is written over. */
  onChunk: (chunk: Buffer) => void;
}

/** One read's memory for ever: a fresh buffer for each would make large answers cost the generator more than the server. */
const readBytes = 1024 * 1024;

function open(port: number): Promise<Connection> {
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  const callback = (bytes: number, memory: Uint8Array): boolean => {
    connection.onChunk(Buffer.from(memory.buffer, memory.byteOffset, bytes));
    return true;
  };
  const onread = { buffer: Buffer.allocUnsafeSlow(readBytes), callback };
  const socket = connect({ port, host: "127.0.0.1", noDelay: true, onread }, () => resolve(connection));
  const connection: Connection = { port, socket, onChunk: () => undefined };
  socket.on("error", reject);
  return promise;
}

async function runPhase(
  connections: readonly Connection[],
  phase: LoadPhase | FilesPhase,
): Promise<LoadResult> {
  const isOfFiles = "kind" in phase;
  const requests = isOfFiles
    ? makeFilesRequests(
        phase,
        connections.map(({ port }) => port),
      )
    : connections.map(({ port }, connection) => makeRequests(phase, connection, port));
  const everyMs = isOfFiles ? undefined : phase.everyMs;
  const body = Buffer.alloc(isOfFiles ? 0 : phase.request.bodyBytes, 0x5a);
  const latencies: number[] = [];
  const readers = connections.map(() => new ResponseReader());
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    connections.map((connection, i) => {
      const work = {
        requests: requests[i] ?? [],
        body,
        reader: readers[i] ?? new ResponseReader(),
        latencies,
      };
      // Those of several connections do not all come due at once.
      const pace =
        everyMs === undefined
          ? undefined
          : { everyMs, firstAtMs: startedAt + (everyMs * i) / connections.length };
      return runConnection(connection, { ...work, pace });
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    bytesReceived: readers.reduce((sum, reader) => sum + reader.bodyBytes, 0),
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    failures: readers.reduce((sum, reader) => sum + reader.failures, 0),
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}

interface Work {
  readonly requests: readonly Buffer[];
  readonly body: Buffer;
  readonly reader: ResponseReader;
  /** In milliseconds; added to. */
  readonly latencies: number[];
  readonly pace: { readonly everyMs: number; readonly firstAtMs: number } | undefined;
}

function runConnection(connection: Connection, work: Work): Promise<void> {
  const { requests, body, reader, latencies, pace } = work;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { socket } = connection;
  const large = body.length > 64 * 1024;
  let next = 0;
  let dueAt = 0;
  const send = (head: Buffer): void => {
    socket.write(head);
    if (large) socket.write(body);
  };
  const goOn = (): void => {
    const head = requests[next];
    if (head === undefined) return resolve();
    const now = performance.now();
    dueAt = pace === undefined ? now : pace.firstAtMs + next * pace.everyMs;
    next++;
    if (dueAt <= now) return send(head);
    setTimeout(() => {
      // A timer that is late is not the server's doing.
      dueAt = performance.now();
      send(head);
    }, dueAt - now);
  };
  connection.onChunk = (chunk) =>
    reader.add(chunk, () => {
      latencies.push(performance.now() - dueAt);
      goOn();
    });
  socket.on("close", () => reject(new Error("the server closed the connection")));
  goOn();
  return promise;
}
