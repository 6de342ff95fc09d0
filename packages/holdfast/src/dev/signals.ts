/** The signals that end a long-running command: the first asks for an orderly end, the second insists. */

const handled = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class Signals {
  readonly requested: Promise<void>;
  readonly insisted: Promise<void>;
  readonly #onSignal: () => void;

  constructor() {
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    this.requested = first.promise;
    this.insisted = second.promise;
    let count = 0;
    this.#onSignal = () => {
      if (++count === 1) first.resolve();
      else second.resolve();
    };
    for (const signal of handled) process.on(signal, this.#onSignal);
  }

  release(): void {
    for (const signal of handled) process.off(signal, this.#onSignal);
  }
}
