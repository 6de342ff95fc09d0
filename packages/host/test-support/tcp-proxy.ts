/** A relay between two processes that can stop relaying: a network in trouble, without a network. */

import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

export class TcpProxy {
  readonly #server: Server;
  readonly #port: () => number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Connections that came, and chunks that were passed on, either way. */
  acceptedCount = 0;
  relayedCount = 0;
  #waiting: (() => void)[] = [];
  #state: "relays" | "clogged" | "swallows" = "relays";

  private constructor(server: Server, port: () => number) {
    this.#server = server;
    this.#port = port;
    server.on("connection", (incoming) => this.#relay(incoming));
  }

  /** To a port that may change; asked for each connection. */
  static async listen(port: () => number): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new TcpProxy(server, port);
  }

  get address(): string {
    const address = this.#server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  get connectionsCount(): number {
    return this.#pairs.size;
  }

  /** Resolves when it holds; looked at whenever something happens here. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  /** Takes nothing more from either side; both stay connected. */
  clog(): void {
    this.#state = "clogged";
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** Takes everything and passes on nothing: a path that is gone, and nobody says so. New connections are swallowed too. */
  swallow(): void {
    this.#state = "swallows";
  }

  relay(): void {
    this.#state = "relays";
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  /** All connections end; new ones are relayed. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #relay(incoming: Socket): void {
    const outgoing = connect({ host: "127.0.0.1", port: this.#port(), allowHalfOpen: true });
    const pair = [incoming, outgoing] as const;
    this.#pairs.add(pair);
    this.acceptedCount++;
    this.#wake();
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      from.on("data", (chunk) => {
        if (this.#state === "swallows") return;
        if (!to.write(chunk)) from.pause();
        this.relayedCount++;
        this.#wake();
      });
      to.on("drain", () => {
        if (this.#state !== "clogged") from.resume();
      });
      from.on("end", () => {
        if (this.#state !== "swallows") to.end();
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#pairs.delete(pair);
        this.#wake();
        if (this.#state !== "swallows") to.destroy();
      });
    }
    if (this.#state === "clogged") for (const socket of pair) socket.pause();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
