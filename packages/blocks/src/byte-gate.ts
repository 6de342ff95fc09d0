import { assert } from "@holdfast/base";

/** Lets callers through, first come first served, while what they carry stays below a bound together. */
export class ByteGate {
  readonly #bytesMax: number;
  #bytes = 0;
  readonly #waiting: { readonly bytes: number; readonly pass: () => void }[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Carried by those who passed and have not left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A caller that carries more than the bound passes alone. */
  enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#bytes += bytes;
      return Promise.resolve();
    }
    return new Promise((pass) => this.#waiting.push({ bytes, pass }));
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    assert(this.#bytes >= 0, "more left the gate than entered");
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes += next.bytes;
      next.pass();
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#bytesMax;
  }
}
