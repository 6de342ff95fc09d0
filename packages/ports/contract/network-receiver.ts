import type { NodeId } from "@holdfast/base";
import type { Exchange, NetworkReceiver } from "@holdfast/ports";
import { emptyBody } from "@holdfast/ports";

export interface Heard {
  readonly kind: "connect" | "frame" | "disconnect";
  readonly peer: NodeId;
  readonly frame?: Uint8Array;
}

type AnswerExchange = NetworkReceiver["onExchange"];

/** Keeps what it hears, and lets a test wait for it. */
export class RecordingReceiver implements NetworkReceiver {
  readonly heard: Heard[] = [];
  /** What is done with an exchange; one by one, the last stays. */
  answer: AnswerExchange = () => Promise.resolve({ head: new Uint8Array(0), body: emptyBody });
  #waiting: (() => void)[] = [];

  onConnect(peer: NodeId): void {
    this.#hear({ kind: "connect", peer });
  }

  onFrame(peer: NodeId, frame: Uint8Array): void {
    this.#hear({ kind: "frame", peer, frame });
  }

  onDisconnect(peer: NodeId): void {
    this.#hear({ kind: "disconnect", peer });
  }

  onExchange(from: NodeId, request: Exchange, signal: AbortSignal): Promise<Exchange> {
    return this.answer(from, request, signal);
  }

  get frames(): readonly Uint8Array[] {
    return this.heard.flatMap(({ frame }) => (frame === undefined ? [] : [frame]));
  }

  count(kind: Heard["kind"]): number {
    return this.heard.filter((each) => each.kind === kind).length;
  }

  /** Resolves when it holds; looked at whenever something is heard. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  untilHeard(kind: Heard["kind"], count: number = 1): Promise<void> {
    return this.until(() => this.count(kind) >= count);
  }

  #hear(heard: Heard): void {
    this.heard.push(heard);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
