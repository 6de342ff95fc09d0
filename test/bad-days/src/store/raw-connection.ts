/** A client that sends what it is told, byte for byte, and takes what comes. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { within } from "./within.ts";

const deadlineMs = 30_000;

export class RawConnection {
  readonly socket: Socket;
  readonly #closed: Promise<void>;
  #received: Uint8Array[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    this.#closed = new Promise((resolve) => void socket.once("close", () => resolve()));
    // A reset is an end like any other here: who cares looks at what was received.
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Uint8Array) => this.#received.push(bytes));
  }

  /** Resolves when connected. */
  static async open(port: number): Promise<RawConnection> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const connection = new RawConnection(socket);
    await within(once(socket, "connect"), deadlineMs, "a connection");
    return connection;
  }

  get text(): string {
    return Buffer.concat(this.#received).toString("latin1");
  }

  get isClosed(): boolean {
    return this.socket.closed;
  }

  /** Of every final answer so far; only answers whose bodies hold no such line may be read so. */
  get statuses(): readonly number[] {
    return [...this.text.matchAll(/^HTTP\/1\.1 ([2-9]\d\d) /gm)].map((match) => Number(match[1]));
  }

  /** Resolves when the bytes have left; at once when the connection is gone. */
  async send(bytes: Uint8Array | string): Promise<void> {
    if (this.socket.destroyed || !this.socket.writable) return;
    const left = new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
    await within(Promise.race([left, this.#closed]), deadlineMs, "what was sent to leave");
  }

  /** No more bytes from here; the answers may still come. */
  end(): void {
    this.socket.end();
  }

  async closed(): Promise<void> {
    await within(this.#closed, deadlineMs, `the end of the connection; so far: ${this.text.slice(0, 500)}`);
  }

  /** Resolves with the match once it was received. */
  async received(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.text);
        if (match !== null) resolve(match);
      };
      this.socket.on("data", look);
      this.socket.once("close", () => reject(new Error(`closed before ${pattern.source}: ${this.text}`)));
      look();
    });
    return within(found, deadlineMs, `${pattern.source}; so far: ${this.text.slice(0, 500)}`);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
