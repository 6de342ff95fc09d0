/** Without any security, and so between addresses of this machine alone: for tests and benchmarks. */

import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import type { Clock, Peer } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import { isLoopback, parseAddress } from "./address.ts";
import type { Carrier, CarrierListener, Protocol } from "./carrier.ts";
import { ConnectionGate, listenOn } from "./connection-gate.ts";
import { addressOf, connected, peerText } from "./dial-socket.ts";
import { beginsFrames } from "./frame-format.ts";
import type { NetworkLimits } from "./limits.ts";

export class PlainCarrier implements Carrier {
  readonly #clock: Clock;
  readonly #limits: NetworkLimits;
  readonly #gate = new ConnectionGate();
  readonly #server: Server = createServer();

  constructor(clock: Clock, limits: NetworkLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  listen(host: string, port: number, listener: CarrierListener): Promise<number> {
    checkLoopback(host);
    this.#gate.watch(this.#server, this.#limits.unknownConnectionsMax, listener);
    this.#server.on("connection", (socket) => this.#onConnection(socket, listener));
    return listenOn(this.#server, host, port);
  }

  async dial(peer: Peer, _protocol: Protocol, signal: AbortSignal): Promise<Socket> {
    const { host, port } = addressOf(peer);
    checkLoopback(host);
    const socket = connect({ host, port });
    await connected(socket, "connect", peerText(peer), signal);
    return socket;
  }

  checkAddress(address: string): void {
    const parsed = parseAddress(address);
    if (parsed !== undefined) checkLoopback(parsed.host);
  }

  close(): Promise<void> {
    return this.#gate.close(this.#server);
  }

  /** The first byte tells what is spoken. */
  #onConnection(socket: Socket, listener: CarrierListener): void {
    if (socket.destroyed) return;
    const deadline = this.#clock.after(this.#limits.helloTimeoutMs, () => {
      listener.onRefused("no-protocol", "it says nothing", socket.remoteAddress ?? "");
      socket.destroy();
    });
    socket.once("close", () => deadline.cancel());
    socket.once("data", (chunk: Buffer) => {
      deadline.cancel();
      socket.pause();
      socket.unshift(chunk);
      this.#gate.becameKnown(socket);
      const protocol = beginsFrames(chunk[0]) ? "frames" : "exchanges";
      listener.onConnection({ socket, protocol, from: undefined });
      socket.resume();
    });
  }
}

function checkLoopback(host: string): void {
  if (!isLoopback(host))
    throw new NetworkError(
      "refused",
      `without security a node listens and calls on loopback addresses alone (127.0.0.1, ::1), not on ${host}`,
    );
}
