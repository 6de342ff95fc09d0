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
  const connections = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)));
  for (const phase of order.rounds) process.send?.(await runPhase(connections, phase, order.port));
  for (const { socket } of connections) socket.destroy();
  process.disconnect();
}

interface Connection {
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
  const connection: Connection = { socket, onChunk: () => undefined };
  socket.on("error", reject);
  return promise;
}

async function runPhase(
  connections: readonly Connection[],
  phase: LoadPhase | FilesPhase,
  port: number,
): Promise<LoadResult> {
  const isOfFiles = "kind" in phase;
  const requests = isOfFiles
    ? makeFilesRequests(phase, connections.length, port)
    : connections.map((_, connection) => makeRequests(phase, connection, port));
  const body = Buffer.alloc(isOfFiles ? 0 : phase.request.bodyBytes, 0x5a);
  const latencies: number[] = [];
  const readers = connections.map(() => new ResponseReader());
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    connections.map((connection, i) =>
      runConnection(connection, requests[i] ?? [], body, readers[i] ?? new ResponseReader(), latencies),
    ),
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

function runConnection(
  connection: Connection,
  requests: readonly Buffer[],
  body: Buffer,
  reader: ResponseReader,
  latencies: number[],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { socket } = connection;
  const large = body.length > 64 * 1024;
  let next = 0;
  let sentAt = 0;
  const send = (): void => {
    const head = requests[next++];
    if (head === undefined) return finish();
    sentAt = performance.now();
    socket.write(head);
    if (large) socket.write(body);
  };
  const finish = (): void => resolve();
  connection.onChunk = (chunk) =>
    reader.add(chunk, () => {
      latencies.push(performance.now() - sentAt);
      send();
    });
  socket.on("close", () => reject(new Error("the server closed the connection")));
  send();
  return promise;
}
