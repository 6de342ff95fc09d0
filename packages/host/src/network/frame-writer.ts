/** Gathers the frames of one turn, so that they leave in one write; short ones are put together, long ones are not copied. */

import type { Clock, Hashing } from "@holdfast/ports";
import type { FrameKind } from "./frame-format.ts";
import { headBytes, writeFrameHead } from "./frame-format.ts";

/** Up to here a copy costs less than a piece of its own. */
const copiedBytesMax = 8 * 1024;
const joinedBytesMax = 64 * 1024;

export interface FrameSink {
  cork(): void;
  write(bytes: Uint8Array): boolean;
  uncork(): void;
  /** Bytes that were written and have not left. */
  readonly writableLength: number;
}

export interface FrameWriterOptions {
  readonly sink: FrameSink;
  readonly clock: Clock;
  readonly hashing: Hashing;
}

interface Waiting {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

export class FrameWriter {
  readonly #options: FrameWriterOptions;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isEnded = false;

  constructor(options: FrameWriterOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#waitingBytes + this.#options.sink.writableLength;
  }

  /** Leaves behind everything that is due. */
  send(kind: FrameKind, payload: Uint8Array): void {
    if (this.#waiting.push({ kind, payload }) === 1) queueMicrotask(() => this.flush());
    this.#waitingBytes += headBytes + payload.length;
  }

  /** Leaves now. */
  flush(): void {
    if (this.#isEnded || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const { sink } = this.#options;
    sink.cork();
    for (let from = 0; from < waiting.length; ) from = this.#writeSome(waiting, from);
    sink.uncork();
  }

  end(): void {
    this.#isEnded = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Writes as many frames as share one piece of memory, and at least one; returns where the next one is. */
  #writeSome(waiting: readonly Waiting[], from: number): number {
    let [to, bytes] = [from, 0];
    for (; to < waiting.length; to++) {
      const payloadBytes = waiting[to]?.payload.length ?? 0;
      if (payloadBytes > copiedBytesMax || bytes + headBytes + payloadBytes > joinedBytesMax) break;
      bytes += headBytes + payloadBytes;
    }
    if (to === from) return this.#writeLong(waiting[from], from);
    const joined = Buffer.allocUnsafe(bytes);
    let offset = 0;
    for (let i = from; i < to; i++) {
      const frame = waiting[i];
      if (frame === undefined) continue;
      writeFrameHead(joined, offset, frame.kind, frame.payload, this.#options.hashing);
      joined.set(frame.payload, offset + headBytes);
      offset += headBytes + frame.payload.length;
    }
    this.#options.sink.write(joined);
    return to;
  }

  #writeLong(frame: Waiting | undefined, at: number): number {
    if (frame !== undefined) {
      const head = new Uint8Array(headBytes);
      writeFrameHead(head, 0, frame.kind, frame.payload, this.#options.hashing);
      this.#options.sink.write(head);
      this.#options.sink.write(frame.payload);
    }
    return at + 1;
  }
}
