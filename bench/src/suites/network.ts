/** Frames from one process to another on loopback, against a bare socket, TCP or TLS, that is given the same bytes. */

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { NodeId } from "@holdfast/base";
import { nodeId } from "@holdfast/base";
import type { NodeCredentials } from "@holdfast/host";
import {
  ClusterAuthority,
  createAuthority,
  nodeHashing,
  openNetwork,
  realClock,
  requestCertificate,
  secureRandom,
} from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import type { Round, Row } from "../report.ts";

export const benchCluster = "bench";
export const senderNode: NodeId = nodeId("1111111111111111");
export const receiverNode: NodeId = nodeId("2222222222222222");

export interface ReceiverOptions {
  readonly kind: "frames" | "bare";
  readonly credentials: NodeCredentials | "none";
}

const payloadBytes = 256;
const framesPerRound = 1_000_000;
const roundCount = 3;
/** Of a frame, before its payload. */
const headBytes = 9;
const barePieceBytes = 64 * 1024;
/** Full enough to keep the socket busy, short enough for the caches. */
const queueBytesMax = 1024 * 1024;

export async function networkSuite(): Promise<readonly Row[]> {
  const authority = await makeAuthority();
  const tls = {
    sender: await credentialsOf(authority, senderNode),
    receiver: await credentialsOf(authority, receiverNode),
  };
  return [
    await row("without TLS", "bare TCP socket, the same bytes", { sender: "none", receiver: "none" }),
    await row("over mutual TLS", "bare TLS socket, the same bytes", tls),
  ];
}

interface Security {
  readonly sender: NodeCredentials | "none";
  readonly receiver: NodeCredentials | "none";
}

async function row(how: string, limitName: string, security: Security): Promise<Row> {
  const rounds: Round[] = [];
  for (let i = 0; i < roundCount; i++) {
    const [value, limit] = [await frames(security), await bare(security)];
    rounds.push({
      value: value.rate,
      limit: limit.rate,
      cpuMicros: { value: value.cpuMicros, limit: limit.cpuMicros },
      generatorCores: 0,
    });
  }
  const name = `frames of ${payloadBytes} B to another process, ${how}`;
  return { name, unit: "frames/s", durable: "nothing", limitName, rounds };
}

interface Measured {
  /** Frames a second, from the first that is sent until the last has been received. */
  readonly rate: number;
  /** Of both processes, for each frame. */
  readonly cpuMicros: number;
}

async function frames({ sender, receiver }: Security): Promise<Measured> {
  const child = await Receiver.start({ kind: "frames", credentials: receiver });
  const network = await openNetwork({
    self: senderNode,
    clusterId: benchCluster,
    host: "127.0.0.1",
    port: 0,
    security: sender,
    clock: realClock,
    random: secureRandom,
    hashing: nodeHashing,
    journal: silentJournal,
    limits: { queueBytesMax },
  });
  const connected = Promise.withResolvers<void>();
  network.listen({
    onConnect: () => connected.resolve(),
    onFrame: () => undefined,
    onDisconnect: () => undefined,
    onExchange: () => Promise.reject(new Error("frames alone")),
  });
  network.setPeers([{ id: receiverNode, address: child.address }]);
  await connected.promise;
  const frame = new Uint8Array(payloadBytes).fill(1);
  const send = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; ) {
      while (sent < count && network.send(receiverNode, frame)) sent++;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const measured = await child.measure(framesPerRound, () => send(framesPerRound));
  await network.close();
  child.stop();
  return measured;
}

async function bare({ receiver }: Security): Promise<Measured> {
  const child = await Receiver.start({ kind: "bare", credentials: receiver });
  const port = Number(child.address.split(":")[1]);
  const socket: Socket =
    receiver === "none"
      ? connect({ host: "127.0.0.1", port })
      : connectTls({ host: "127.0.0.1", port, ca: receiver.authority, checkServerIdentity: () => undefined });
  await once(socket, receiver === "none" ? "connect" : "secureConnect");
  const piece = new Uint8Array(barePieceBytes).fill(1);
  const bytes = framesPerRound * (headBytes + payloadBytes);
  const send = async (): Promise<void> => {
    for (let sent = 0; sent < bytes; sent += piece.length)
      if (!socket.write(piece.subarray(0, Math.min(piece.length, bytes - sent)))) await once(socket, "drain");
  };
  const measured = await child.measure(bytes, send);
  socket.destroy();
  child.stop();
  return measured;
}

class Receiver {
  readonly address: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, address: string) {
    this.#child = child;
    this.address = address;
  }

  static async start(options: ReceiverOptions): Promise<Receiver> {
    const file = new URL("../servers/frame-receiver.ts", import.meta.url);
    const child = fork(file, [], { execArgv: process.execArgv });
    child.send(options);
    const [address] = await once(child, "message");
    return new Receiver(child, String(address));
  }

  /** Of `framesPerRound`, which are so much for the receiver. */
  async measure(amount: number, send: () => Promise<void>): Promise<Measured> {
    const received = once(this.#child, "message");
    this.#child.send(amount);
    const startedAt = performance.now();
    const cpuAtStart = process.cpuUsage();
    await send();
    const [receiverMicros] = await received;
    const { user, system } = process.cpuUsage(cpuAtStart);
    return {
      rate: framesPerRound / ((performance.now() - startedAt) / 1000),
      cpuMicros: (user + system + Number(receiverMicros)) / framesPerRound,
    };
  }

  stop(): void {
    this.#child.disconnect();
  }
}

function makeAuthority(): Promise<ClusterAuthority> {
  const context = { clock: realClock, random: secureRandom };
  return createAuthority(benchCluster, context).then((stored) => ClusterAuthority.open(stored, context));
}

async function credentialsOf(authority: ClusterAuthority, node: NodeId): Promise<NodeCredentials> {
  const { request, key } = await requestCertificate(node);
  return { certificate: await authority.sign(request, node), key, authority: authority.certificate };
}
