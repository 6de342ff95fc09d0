import { assert } from "@holdfast/base";
import { padToPage } from "./layout.ts";

/**
 * The one buffer every batch is built in, used again and again: a payload is copied once, into here. It grows for an
 * outsized batch and shrinks again behind it.
 */
export class BatchBuffer {
  readonly #bytesKept: number;
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(bytesKept: number) {
    this.#bytesKept = padToPage(bytesKept);
    this.#bytes = new Uint8Array(0);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Begins a batch of at most `capacityBytes`, the first `headerBytes` of them left for the header. */
  begin(capacityBytes: number, headerBytes: number): void {
    const wanted = padToPage(capacityBytes);
    const outsized = this.#bytes.length > this.#bytesKept && wanted <= this.#bytesKept;
    if (wanted > this.#bytes.length || outsized) {
      this.#bytes = new Uint8Array(Math.max(wanted, Math.min(2 * wanted, this.#bytesKept)));
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#length = headerBytes;
  }

  get length(): number {
    return this.#length;
  }

  get view(): DataView {
    return this.#view;
  }

  bytes(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  u8(value: number): void {
    this.#view.setUint8(this.#take(1), value);
  }

  u32(value: number): void {
    this.#view.setUint32(this.#take(4), value);
  }

  u53(value: number): void {
    const start = this.#take(8);
    this.#view.setUint32(start, Math.floor(value / 0x1_0000_0000));
    this.#view.setUint32(start + 4, value >>> 0);
  }

  raw(bytes: Uint8Array): void {
    const start = this.#take(bytes.length);
    this.#bytes.set(bytes, start);
  }

  /** The batch up to the page boundary, padded by zeros. */
  finish(): Uint8Array {
    const end = padToPage(this.#length);
    this.#bytes.fill(0, this.#length, end);
    return this.#bytes.subarray(0, end);
  }

  #take(count: number): number {
    const start = this.#length;
    this.#length = start + count;
    assert(this.#length <= this.#bytes.length, "a batch is no larger than was computed before");
    return start;
  }
}
