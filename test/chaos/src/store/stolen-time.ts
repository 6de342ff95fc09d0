/**
 * Time in which this process wanted to run and could not: the machine was busy with something else, and the nodes on it had no more
 * than we. Deadlines do not count it.
 */

const tickMs = 20;

export class StolenTime {
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();
  #lastUsage = process.cpuUsage();
  #totalMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  /** Since it was made. */
  get totalMs(): number {
    this.#tick();
    return this.#totalMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const nowMs = performance.now();
    const { user, system } = process.cpuUsage(this.#lastUsage);
    const ownMs = (user + system) / 1000;
    this.#totalMs += Math.max(0, nowMs - this.#lastMs - tickMs - ownMs);
    this.#lastMs = nowMs;
    this.#lastUsage = process.cpuUsage();
  }
}
