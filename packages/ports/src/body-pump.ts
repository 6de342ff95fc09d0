/** Takes a body's chunks one after the other, and lets go of it when nobody wants the rest. */
export class BodyPump {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #take: (chunk: Uint8Array) => Promise<void> | undefined;
  #isStopped = false;

  /** The next chunk is asked for when what `take` gave has resolved. */
  constructor(body: AsyncIterable<Uint8Array>, take: (chunk: Uint8Array) => Promise<void> | undefined) {
    this.#iterator = body[Symbol.asyncIterator]();
    this.#take = take;
  }

  /** Resolves at the body's end, or after `stop`; rejects with what the body throws before either. */
  async run(): Promise<"ended" | "stopped"> {
    try {
      while (!this.#isStopped) {
        const { done, value } = await this.#iterator.next();
        if (this.#isStopped) break;
        if (done === true) return "ended";
        await this.#take(value);
      }
    } catch (cause) {
      if (!this.#isStopped) throw cause;
    }
    return "stopped";
  }

  /** The body is told at once, even while it works on its next chunk; how that ends is of no interest. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#iterator.return?.().catch(() => undefined);
  }
}
