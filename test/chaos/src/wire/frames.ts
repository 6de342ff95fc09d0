/** Length-prefixed frames on a socket: four bytes, little-endian, then so many. Those of one turn leave in one write. */

import type { Socket } from "node:net";

const headBytes = 4;
const frameBytesMax = 1024 * 1024;

/** Calls `onFrame` for each whole frame; a length that cannot be ends the connection. */
export function readFrames(socket: Socket, onFrame: (frame: Uint8Array) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    let at = 0;
    while (held.length - at >= headBytes) {
      const length = held.readUInt32LE(at);
      if (length > frameBytesMax) return socket.destroy();
      const end = at + headBytes + length;
      if (held.length < end) break;
      onFrame(held.subarray(at + headBytes, end));
      at = end;
    }
    held = held.subarray(at);
    return undefined;
  });
}

export class FrameSender {
  readonly #socket: Socket;
  #frames: Uint8Array[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(frame: Uint8Array): void {
    if (this.#frames.length === 0) setImmediate(() => this.#flush());
    const head = Buffer.allocUnsafe(headBytes);
    head.writeUInt32LE(frame.length);
    this.#frames.push(head, frame);
  }

  #flush(): void {
    const frames = this.#frames;
    this.#frames = [];
    if (!this.#socket.destroyed) this.#socket.write(Buffer.concat(frames));
  }
}
