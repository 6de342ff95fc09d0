/** Stands between a node that dials and one that listens: what passes it can be stopped, one way or both, or cut off. */

import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { connect, createServer } from "node:net";

/** `stalled`: bytes wait, the connection lives, as on a link that loses everything for a while. */
export type Link = "open" | "stalled-there" | "stalled-back" | "cut";

export class PairProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #link: Link = "open";

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    server.on("connection", (caller) => this.#onCaller(caller));
  }

  static async open(targetPort: number): Promise<PairProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new PairProxy(server, targetPort);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy does not listen");
    return address.port;
  }

  set(link: Link): void {
    this.#link = link;
    for (const [caller, callee] of this.#pairs) this.#apply(caller, callee);
  }

  close(): void {
    this.set("cut");
    this.#server.close();
  }

  #onCaller(caller: Socket): void {
    if (this.#link === "cut") return void caller.destroy();
    const callee = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
    const pair = [caller, callee] as const;
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      caller.destroy();
      callee.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    // Bounded: whoever reads slowly slows the other down.
    const pass = (from: Socket, to: Socket): void => {
      from.on("data", (chunk) => {
        if (to.write(chunk)) return;
        from.pause();
        to.once("drain", () => this.#apply(caller, callee));
      });
    };
    pass(caller, callee);
    pass(callee, caller);
    this.#apply(caller, callee);
  }

  #apply(caller: Socket, callee: Socket): void {
    if (this.#link === "cut") return void caller.destroy();
    if (this.#link === "stalled-there") caller.pause();
    else caller.resume();
    if (this.#link === "stalled-back") callee.pause();
    else callee.resume();
  }
}
