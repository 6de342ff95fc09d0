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
  const sockets = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)));
  for (const phase of order.rounds) process.send?.(await runPhase(sockets, phase, order.port));
  for (const socket of sockets) socket.destroy();
  process.disconnect();
}

function open(port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
  socket.on("error", reject);
  return promise;
}

async function runPhase(
  sockets: readonly Socket[],
  phase: LoadPhase | FilesPhase,
  port: number,
): Promise<LoadResult> {
  const isOfFiles = "kind" in phase;
  const requests = isOfFiles
    ? makeFilesRequests(phase, sockets.length, port)
    : sockets.map((_, connection) => makeRequests(phase, connection, port));
  const body = Buffer.alloc(isOfFiles ? 0 : phase.request.bodyBytes, 0x5a);
  const latencies: number[] = [];
  const readers = sockets.map(() => new ResponseReader());
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(
    sockets.map((socket, i) =>
      runConnection(socket, requests[i] ?? [], body, readers[i] ?? new ResponseReader(), latencies),
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
  socket: Socket,
  requests: readonly Buffer[],
  body: Buffer,
  reader: ResponseReader,
  latencies: number[],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
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
  const finish = (): void => {
    socket.off("data", onData);
    resolve();
  };
  const onData = (chunk: Buffer): void => {
    reader.add(chunk, () => {
      latencies.push(performance.now() - sentAt);
      send();
    });
  };
  socket.on("data", onData);
  socket.on("close", () => reject(new Error("the server closed the connection")));
  send();
  return promise;
}
