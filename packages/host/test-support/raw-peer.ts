/** A connection that says what a test wants it to say. */

import type { Socket } from "node:net";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { connect as connectTls } from "node:tls";
import { concatBytes } from "@holdfast/base";
import { nodeHashing } from "../src/hashing.ts";
import type { FrameKind } from "../src/network/frame-format.ts";
import { headBytes, writeFrameHead } from "../src/network/frame-format.ts";
import { within } from "./network-nodes.ts";

export function frameBytes(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headBytes);
  writeFrameHead(bytes, 0, kind, payload, nodeHashing);
  return concatBytes([bytes, payload]);
}

export class RawPeer {
  readonly socket: Socket;
  readonly #received: Uint8Array[] = [];

  private constructor(t: TestContext, socket: Socket) {
    this.socket = socket;
    t.after(() => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#received.push(chunk));
    // Resets are what these tests are after.
    socket.on("error", () => undefined);
  }

  static plain(t: TestContext, address: string): RawPeer {
    return new RawPeer(t, connect({ host: "127.0.0.1", port: portOf(address) }));
  }

  static tls(t: TestContext, address: string, options: ConnectionOptions): RawPeer {
    const port = portOf(address);
    return new RawPeer(t, connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }));
  }

  write(...parts: readonly Uint8Array[]): void {
    this.socket.write(concatBytes(parts));
  }

  /** Everything that was received, as text, when the other side has ended the connection. */
  async untilClosed(): Promise<string> {
    const closed = new Promise<void>((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once("close", () => resolve());
    });
    await within(10_000, "the end of the connection", closed);
    return Buffer.concat(this.#received).toString("latin1");
  }
}

function portOf(address: string): number {
  return Number(address.split(":").at(-1));
}
