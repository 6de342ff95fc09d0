/**
 * HMAC-SHA256 (RFC 2104) over a one-shot SHA-256, with the padded key kept ready: two hash calls per message and nothing
 * else. A fresh `createHmac` per request costs about four times as much (PERFORMANCE.md, point 1).
 */

import { toHex, utf8 } from "../bytes.ts";

/** Hashes in one go; must not keep `data`, whose buffer is used again. */
export type Sha256 = (data: Uint8Array) => Uint8Array;

const blockBytes = 64;
const digestBytes = 32;
/** Texts up to a third of this many UTF-16 units are encoded in place: a string to sign has about 140. */
const roomBytes = 1024;

const encoder = new TextEncoder();

export class HmacSha256 {
  readonly #sha256: Sha256;
  /** key ^ 0x36.., then room for a message. */
  readonly #inner: Uint8Array;
  readonly #room: Uint8Array;
  /** key ^ 0x5c.., then the inner digest. */
  readonly #outer: Uint8Array;

  constructor(sha256: Sha256, key: Uint8Array) {
    this.#sha256 = sha256;
    const block = new Uint8Array(blockBytes);
    block.set(key.length > blockBytes ? sha256(key) : key);
    this.#inner = new Uint8Array(blockBytes + roomBytes);
    this.#outer = new Uint8Array(blockBytes + digestBytes);
    for (let i = 0; i < blockBytes; i++) {
      this.#inner[i] = (block[i] ?? 0) ^ 0x36;
      this.#outer[i] = (block[i] ?? 0) ^ 0x5c;
    }
    this.#room = this.#inner.subarray(blockBytes);
  }

  sign(message: Uint8Array): Uint8Array {
    if (message.length <= roomBytes) {
      this.#room.set(message);
      return this.#finish(this.#inner.subarray(0, blockBytes + message.length));
    }
    const whole = new Uint8Array(blockBytes + message.length);
    whole.set(this.#inner.subarray(0, blockBytes));
    whole.set(message, blockBytes);
    return this.#finish(whole);
  }

  signText(message: string): Uint8Array {
    if (message.length * 3 > roomBytes) return this.sign(utf8(message));
    const { written } = encoder.encodeInto(message, this.#room);
    return this.#finish(this.#inner.subarray(0, blockBytes + written));
  }

  signTextToHex(message: string): string {
    return toHex(this.signText(message));
  }

  #finish(inner: Uint8Array): Uint8Array {
    this.#outer.set(this.#sha256(inner), blockBytes);
    return this.#sha256(this.#outer);
  }
}
