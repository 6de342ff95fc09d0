/** A proxy that does to connections what networks do: cuts them at seeded places, holds bytes back, answers 503 in a node's stead. */

import type { AddressInfo, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom, uniform } from "@holdfast/base";

export interface FaultyProxyOptions {
  readonly target: string;
  readonly seed?: number;
  /** Of ten connections so many meet a fault, until `faultsMax` of them have. */
  readonly faultyInTen?: number;
  readonly faultsMax?: number;
  /** Faults lie within so many bytes of a connection's beginning, either way. */
  readonly withinBytes?: number;
  /** Called with all bytes that have passed in one direction, before more do. */
  readonly onBytes?: (direction: Direction, bytes: number) => Promise<void> | void;
}

export type Direction = "up" | "down";

export interface FaultyProxy {
  readonly endpoint: string;
  readonly faults: number;
  /** Bytes that passed so far. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** First bytes of the ranges that were asked for, in order. */
  readonly rangesAsked: readonly number[];
}

interface ProxyState extends FaultyProxy {
  endpoint: string;
  faults: number;
  readonly bytes: Record<Direction, number>;
  readonly rangesAsked: number[];
}

type Fault =
  | { readonly kind: "none" }
  | { readonly kind: "refuse" }
  | { readonly kind: "unavailable" }
  | { readonly kind: "cut"; readonly direction: Direction; readonly afterBytes: number }
  | { readonly kind: "delay"; readonly delayMs: number };

export async function faultyProxy(
  t: Pick<TestContext, "after">,
  options: FaultyProxyOptions,
): Promise<FaultyProxy> {
  const { hostname, port } = new URL(options.target);
  const sockets = new Set<Socket>();
  const state: ProxyState = { endpoint: "", faults: 0, bytes: { up: 0, down: 0 }, rangesAsked: [] };
  const next = faultsOf(options, state);
  const server = createServer((client) => {
    sockets.add(client);
    client.on("error", () => client.destroy()).on("close", () => sockets.delete(client));
    const fault = next();
    if (fault.kind === "refuse") return void client.resetAndDestroy();
    if (fault.kind === "unavailable") return answerUnavailable(client);
    const upstream = connect(Number(port), hostname);
    sockets.add(upstream);
    upstream.on("error", () => upstream.destroy()).on("close", () => sockets.delete(upstream));
    const cut = (): void => {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    };
    const pipe = (direction: Direction, from: Socket, to: Socket): void =>
      void forward({ from, to, direction, fault, cut, options, state }).catch(cut);
    pipe("up", client, upstream);
    pipe("down", upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return state;
}

function faultsOf(options: FaultyProxyOptions, state: { faults: number }): () => Fault {
  const { seed = 1, faultyInTen = 0, faultsMax = 1000, withinBytes = 1 << 24 } = options;
  const random = seededRandom(seed);
  const below = (count: number): number => uniform(random, count);
  return () => {
    if (state.faults >= faultsMax || below(10) >= faultyInTen) return { kind: "none" };
    state.faults++;
    const kind = below(10);
    if (kind === 0) return { kind: "refuse" };
    if (kind < 3) return { kind: "unavailable" };
    if (kind === 3) return { kind: "delay", delayMs: 1 + below(30) };
    // As likely in the first bytes, where heads and answers are, as anywhere in the last half.
    const afterBytes = below(2 ** (1 + below(Math.ceil(Math.log2(withinBytes)))));
    return { kind: "cut", direction: below(2) === 0 ? "up" : "down", afterBytes };
  };
}

/** As a balancer in front of the nodes does it: no word of what became of the request. */
function answerUnavailable(client: Socket): void {
  client.once("data", () =>
    client.end("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
  );
}

interface Forwarding {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: Direction;
  readonly fault: Fault;
  readonly cut: () => void;
  readonly options: FaultyProxyOptions;
  readonly state: ProxyState;
}

async function forward({ from, to, direction, fault, cut, options, state }: Forwarding): Promise<void> {
  let passed = 0;
  const cutAt =
    fault.kind === "cut" && fault.direction === direction ? fault.afterBytes : Number.POSITIVE_INFINITY;
  for await (const chunk of from as AsyncIterable<Uint8Array>) {
    if (fault.kind === "delay") await delay(fault.delayMs);
    const part = chunk.subarray(0, Math.max(0, cutAt - passed));
    passed += part.length;
    state.bytes[direction] += part.length;
    // The head of a request without a body comes in one piece here.
    const range =
      direction === "up" ? /^range: bytes=(\d+)-/im.exec(Buffer.from(part).toString("latin1")) : null;
    if (range !== null) state.rangesAsked.push(Number(range[1]));
    await options.onBytes?.(direction, state.bytes[direction]);
    if (part.length > 0 && !to.write(part)) await drained(to);
    if (passed >= cutAt) return cut();
  }
  to.end();
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
    if (socket.destroyed) done();
  });
}
