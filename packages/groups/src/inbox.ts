/** What arrived for one group and waits for its turn, in order, bounded by bytes. */

import type { RestItem } from "./frame-codec.ts";

export type Received<Message> =
  | { readonly kind: "Message"; readonly message: Message; readonly bytes: number }
  | RestItem;

export class Inbox<Message> {
  readonly #bytesMax: number;
  #items: Received<Message>[] = [];
  #next = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#next >= this.#items.length;
  }

  /** False when there is no room: then it is lost, as on a network. */
  put(received: Received<Message>): boolean {
    if (this.#bytes > this.#bytesMax) return false;
    this.#items.push(received);
    this.#bytes += bytesOf(received);
    return true;
  }

  take(): Received<Message> | undefined {
    const received = this.#items[this.#next];
    if (received === undefined) return undefined;
    this.#next++;
    this.#bytes -= bytesOf(received);
    if (this.isEmpty) this.clear();
    return received;
  }

  clear(): void {
    this.#items = [];
    this.#next = 0;
    this.#bytes = 0;
  }
}

/** What a message takes in memory beyond its bytes counts too, so that empty ones are bounded as well. */
const overheadBytes = 64;

function bytesOf<Message>(received: Received<Message>): number {
  return overheadBytes + (received.kind === "Message" ? received.bytes : 0);
}
