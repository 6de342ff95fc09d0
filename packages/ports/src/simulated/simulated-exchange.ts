/** One side of a simulated exchange: its own head and body on their way out, the other side's coming in. */

import { BodyPump } from "../body-pump.ts";
import { BodyQueue } from "../body-queue.ts";
import type { Exchange } from "../network.ts";
import { NetworkError } from "../network.ts";
import type { NetworkFlow, NetworkPath } from "./network-path.ts";

/** Bytes of a body that are sent ahead of its reader. */
const windowBytes = 256 * 1024;

type ExchangeItem =
  | { readonly kind: "head"; readonly head: Uint8Array }
  | { readonly kind: "chunk"; readonly chunk: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "broken" };

export interface ExchangeSideOptions {
  readonly role: "caller" | "answerer";
  /** The way here, which may fall silent. */
  readonly inwards: NetworkPath;
  readonly outwards: NetworkPath;
  /** Called once: the answer ended as it should, or what became of it. */
  readonly onOver: (failure: NetworkError | undefined) => void;
}

export class ExchangeSide {
  readonly #options: ExchangeSideOptions;
  readonly #incoming: BodyQueue;
  readonly #received = Promise.withResolvers<Exchange>();
  readonly #stopListening: () => void;
  #other: ExchangeSide | undefined;
  #out: NetworkFlow<ExchangeItem> | undefined;
  #pump: BodyPump | undefined;
  #room: PromiseWithResolvers<void> | undefined;
  #isOver = false;

  constructor(options: ExchangeSideOptions) {
    this.#options = options;
    this.#stopListening = options.inwards.onSilence(() =>
      this.break(new NetworkError("broken", "the other side fell silent")),
    );
    this.#incoming = new BodyQueue({
      onTaken: () => this.#other?.onRead(),
      onGivenUp: () => {
        if (options.role === "caller") this.break(new NetworkError("broken", "the answer was given up"));
      },
    });
    // Whoever does not wait for it learns from `onOver`.
    this.#received.promise.catch(() => undefined);
  }

  /** What the other side sends. */
  get received(): Promise<Exchange> {
    return this.#received.promise;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Bytes that came and wait for the reader. */
  get unreadBytes(): number {
    return this.#incoming.queuedBytes;
  }

  connect(other: ExchangeSide): void {
    this.#other = other;
    this.#out = this.#options.outwards.flow((item) => other.onItem(item));
  }

  /** Sends the head and then the body, as fast as the other side reads it. */
  async send({ head, body }: Exchange): Promise<void> {
    if (this.#isOver) return;
    this.#out?.send({ kind: "head", head: new Uint8Array(head) }, head.length);
    this.#pump = new BodyPump(body, (chunk) => {
      this.#out?.send({ kind: "chunk", chunk: new Uint8Array(chunk) }, chunk.length);
      return this.#whenRoom();
    });
    try {
      if ((await this.#pump.run()) === "stopped") return;
    } catch (cause) {
      return this.break(new NetworkError("broken", "the body to be sent failed", { cause }));
    }
    this.#out?.send({ kind: "end" }, 0);
    if (this.#options.role === "answerer") this.#finish(undefined);
  }

  onItem(item: ExchangeItem): void {
    if (this.#isOver) return;
    switch (item.kind) {
      case "head":
        return this.#received.resolve({ head: item.head, body: this.#incoming });
      case "chunk":
        return this.#incoming.push(item.chunk);
      case "end":
        this.#incoming.end();
        if (this.#options.role === "caller") this.#finish(undefined);
        return;
      case "broken":
        return this.fail(new NetworkError("broken", "the other side ended the exchange"));
    }
  }

  onRead(): void {
    if (this.#isFull()) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Ends it on both sides; the other one learns when it hears of it. */
  break(failure: NetworkError): void {
    if (this.#isOver) return;
    this.#out?.finish(0, { kind: "broken" });
    this.fail(failure);
  }

  /** Ends it on this side alone. */
  fail(failure: NetworkError): void {
    if (this.#isOver) return;
    this.#incoming.fail(failure);
    this.#received.reject(failure);
    this.#finish(failure);
  }

  /** This side's process is dead: the other one learns, and here nothing happens any more. */
  die(): void {
    if (this.#isOver) return;
    this.#out?.finish(0, { kind: "broken" });
    this.#isOver = true;
    this.#stopListening();
  }

  #finish(failure: NetworkError | undefined): void {
    this.#isOver = true;
    this.#stopListening();
    this.#pump?.stop();
    this.#room?.resolve();
    // A request is readable until it has been answered.
    if (this.#options.role === "answerer")
      this.#incoming.fail(failure ?? new NetworkError("broken", "the exchange was answered"));
    this.#options.onOver(failure);
  }

  #isFull(): boolean {
    return (this.#out?.queuedBytes ?? 0) + (this.#other?.unreadBytes ?? 0) > windowBytes;
  }

  #whenRoom(): Promise<void> | undefined {
    if (this.#isOver || !this.#isFull()) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }
}
