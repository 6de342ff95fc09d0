/** Messages that leave together, in their order. */

const nothing: readonly never[] = [];

export class Outbox<Message> {
  /** A literal has room for the one message that most hold; an empty array, pushed to, makes room for seventeen. */
  #messages: Message[] | undefined;

  get isEmpty(): boolean {
    return this.#messages === undefined;
  }

  add(message: Message): void {
    if (this.#messages === undefined) this.#messages = [message];
    else this.#messages.push(message);
  }

  take(): readonly Message[] {
    const messages = this.#messages;
    if (messages === undefined) return nothing;
    this.#messages = undefined;
    return messages;
  }
}
