/** The story of a run: a hash of every event, to compare two runs of one seed, and lines for people if they are wanted. */
export class GroupTrace {
  /** Lines are made only if somebody will read them. */
  readonly isRead: boolean;
  readonly #lines: string[] = [];
  readonly #linesMax: number;
  readonly #now: () => number;
  #hash = 0x811c_9dc5;
  #eventsCount = 0;

  constructor(now: () => number, linesMax: number) {
    this.#now = now;
    this.#linesMax = linesMax;
    this.isRead = linesMax > 0;
  }

  /** One event in numbers; what they mean is up to the caller, as long as it is always the same. */
  event(code: number, a: number, b: number, c: number): void {
    let hash = this.#hash;
    for (const value of [this.#now(), code, a, b, c])
      hash = Math.imul(hash ^ value, 0x0100_0193) ^ (hash >>> 15);
    this.#hash = hash;
    this.#eventsCount++;
  }

  line(text: string): void {
    this.#lines.push(`${String(this.#now()).padStart(6)}  ${text}`);
    if (this.#lines.length > 2 * this.#linesMax) this.#lines.splice(0, this.#linesMax);
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#linesMax);
  }

  get eventsCount(): number {
    return this.#eventsCount;
  }

  get hash(): string {
    return `${(this.#hash >>> 0).toString(16).padStart(8, "0")}-${this.#eventsCount}`;
  }
}
