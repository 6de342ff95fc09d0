/** The story of a run: the last lines for people, and a hash of all of them to compare two runs of one seed. */
export class Trace {
  readonly #nowMs: () => number;
  readonly #tail: string[] = [];
  readonly #tailLinesMax: number;
  #hash = 0x811c_9dc5;
  #linesCount = 0;

  constructor(nowMs: () => number, tailLinesMax: number = 60) {
    this.#nowMs = nowMs;
    this.#tailLinesMax = tailLinesMax;
  }

  add(line: string): void {
    const stamped = `${this.#nowMs().toFixed(3).padStart(12)}  ${line}`;
    // FNV-1a: fast, and any difference shows.
    let hash = this.#hash;
    for (let i = 0; i < stamped.length; i++) hash = Math.imul(hash ^ stamped.charCodeAt(i), 0x0100_0193);
    this.#hash = hash;
    this.#linesCount++;
    this.#tail.push(stamped);
    if (this.#tail.length > 2 * this.#tailLinesMax) this.#tail.splice(0, this.#tailLinesMax);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  get linesCount(): number {
    return this.#linesCount;
  }

  get tail(): readonly string[] {
    return this.#tail.slice(-this.#tailLinesMax);
  }
}
