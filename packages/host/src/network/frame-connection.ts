/** One connection for frames: greeting, frames either way, signs of life, and an end with a reason. Nothing here throws. */

import type { Socket } from "node:net";
import type { Clock, Hashing, Timer } from "@holdfast/ports";
import { frameBytesMax } from "@holdfast/ports";
import { plainView } from "../plain-view.ts";
import type { FrameKind, FrameProblem, Hello } from "./frame-format.ts";
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  FrameError,
  preface,
} from "./frame-format.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import type { NetworkLimits } from "./limits.ts";

export interface ConnectionEnd {
  readonly reason: FrameProblem | "lost" | "silent" | "late-hello" | "refused" | "refused-by-peer" | "closed";
  readonly message: string;
}

export interface FrameConnectionOptions {
  readonly socket: Socket;
  readonly side: "dialer" | "acceptor";
  readonly hello: Hello;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly limits: NetworkLimits;
  /** Why the connection is not wanted; undefined when it is. */
  readonly judge: (hello: Hello) => string | undefined;
  /** Both sides are known and agree. */
  readonly onUp: (hello: Hello) => void;
  readonly onFrame: (payload: Uint8Array) => void;
  /** Called once, and nothing afterwards. */
  readonly onEnd: (end: ConnectionEnd) => void;
}

const noPayload = new Uint8Array(0);

export class FrameConnection {
  readonly #options: FrameConnectionOptions;
  readonly #reader: FrameReader;
  readonly #writer: FrameWriter;
  readonly #helloDeadline: Timer;
  #state: "greeting" | "up" | "ended" = "greeting";
  #sentSinceTick = true;
  #heardSinceTick = true;
  #silentIntervals = 0;
  #heardAtMs: number;

  constructor(options: FrameConnectionOptions) {
    const { socket, clock, hashing, limits, side } = options;
    this.#options = options;
    this.#heardAtMs = clock.monotonicMs();
    this.#reader = new FrameReader({ hashing, onFrame: (kind, payload) => this.#onFrame(kind, payload) });
    this.#writer = new FrameWriter({ sink: socket, clock, hashing });
    this.#helloDeadline = clock.after(limits.helloTimeoutMs, () =>
      this.end({ reason: "late-hello", message: `no hello within ${limits.helloTimeoutMs} ms` }),
    );
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (error) => this.end({ reason: "lost", message: error.message }));
    socket.on("close", () => this.end({ reason: "lost", message: "the other side closed the connection" }));
    socket.on("end", () => this.end({ reason: "lost", message: "the other side closed the connection" }));
    if (side === "dialer") this.#greet("hello", encodeHello(options.hello));
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** When anything came, by the clock that never goes back. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  get queuedBytes(): number {
    return this.#state === "ended" ? 0 : this.#writer.queuedBytes;
  }

  /** False when too many bytes wait. Only while it is up. */
  send(payload: Uint8Array): boolean {
    const queuedBytes = this.#writer.queuedBytes;
    if (queuedBytes > 0 && queuedBytes + payload.length > this.#options.limits.queueBytesMax) return false;
    this.#sentSinceTick = true;
    this.#writer.send("message", payload);
    return true;
  }

  /**
   * To be called every `aliveIntervalMs`. Intervals are counted, not time: a process that was stopped looks at what has come
   * meanwhile before it calls the other side silent.
   */
  tick(): void {
    if (this.#state !== "up") return;
    if (!this.#sentSinceTick) this.#writer.send("alive", noPayload);
    this.#silentIntervals = this.#heardSinceTick ? 0 : this.#silentIntervals + 1;
    this.#sentSinceTick = false;
    this.#heardSinceTick = false;
    const { silentIntervalsMax } = this.#options.limits;
    if (this.#silentIntervals >= silentIntervalsMax)
      this.end({ reason: "silent", message: `nothing heard in ${silentIntervalsMax} intervals` });
  }

  end(end: ConnectionEnd): void {
    if (this.#state === "ended") return;
    this.#finish(end);
    this.#options.socket.destroy();
  }

  #refuse(message: string): void {
    this.#greet("refusal", encodeRefusal(message));
    this.#finish({ reason: "refused", message });
    // Orderly, so that the other side gets to read why; not for longer than a hello may take.
    const { socket, clock, limits } = this.#options;
    const deadline = clock.after(limits.helloTimeoutMs, () => socket.destroy());
    socket.once("close", () => deadline.cancel());
    socket.end();
  }

  #finish(end: ConnectionEnd): void {
    this.#state = "ended";
    this.#helloDeadline.cancel();
    this.#reader.stop();
    this.#writer.end();
    this.#options.onEnd(end);
  }

  #greet(kind: "hello" | "refusal", payload: Uint8Array): void {
    this.#options.socket.write(preface());
    this.#writer.send(kind, payload);
    this.#writer.flush();
  }

  #onData(chunk: Buffer): void {
    if (this.#state === "ended") return;
    this.#heardSinceTick = true;
    this.#heardAtMs = this.#options.clock.monotonicMs();
    try {
      this.#reader.push(plainView(chunk));
    } catch (cause) {
      if (!(cause instanceof FrameError)) throw cause;
      // A node of another version learns from our preface; who is no node learns nothing.
      if (cause.problem === "other-version" && this.#options.side === "acceptor") this.#refuse(cause.message);
      else this.end({ reason: cause.problem, message: cause.message });
    }
  }

  #onFrame(kind: FrameKind, payload: Uint8Array): void {
    switch (kind) {
      case "hello":
        if (this.#state !== "greeting") throw new FrameError("out-of-turn", "a second hello");
        return this.#onHello(decodeHello(payload));
      case "refusal":
        return this.end({ reason: "refused-by-peer", message: decodeRefusal(payload) });
      case "message":
        if (this.#state !== "up") throw new FrameError("out-of-turn", "a frame before the hello");
        return this.#options.onFrame(payload);
      case "alive":
        return;
    }
  }

  #onHello(hello: Hello): void {
    const { judge, side, onUp } = this.#options;
    const problem = judge(hello);
    if (problem !== undefined) return this.#refuse(problem);
    if (side === "acceptor") this.#greet("hello", encodeHello(this.#options.hello));
    this.#helloDeadline.cancel();
    this.#reader.payloadBytesMax = frameBytesMax;
    this.#state = "up";
    onUp(hello);
  }
}
