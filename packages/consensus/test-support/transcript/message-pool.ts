/** Messages on their way, in the order in which they were sent; nothing arrives unless the script says so. */

import type { Envelope } from "../../src/contract/consensus.ts";

export interface MessageFilter {
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly count: number | undefined;
}

export class MessagePool<Message extends Envelope> {
  #messages: Message[] = [];
  readonly #isolated = new Set<number>();

  get messages(): readonly Message[] {
    return this.#messages;
  }

  add(message: Message): void {
    this.#messages.push(message);
  }

  /** Removes those that match, the oldest first. */
  take(filter: MessageFilter): readonly Message[] {
    const taken = this.find(filter);
    this.#messages = this.#messages.filter((message) => !taken.includes(message));
    return taken;
  }

  find({ from, to, count }: MessageFilter): readonly Message[] {
    return this.#messages
      .filter((message) => from === undefined || message.from === from)
      .filter((message) => to === undefined || message.to === to)
      .slice(0, count);
  }

  isolate(id: number): void {
    this.#isolated.add(id);
  }

  heal(): void {
    this.#isolated.clear();
  }

  isIsolated(id: number): boolean {
    return this.#isolated.has(id);
  }

  isLost({ from, to }: Message): boolean {
    return this.#isolated.has(from) || this.#isolated.has(to);
  }
}
