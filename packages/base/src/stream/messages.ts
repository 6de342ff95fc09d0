/**
 * Messages of one direction of a stream: many frames, and a seal over all of them.
 *
 *   message: version (1), its number from 0 on (8), frames, seal (16)
 *
 * The number makes each message good for one place in one stream.
 */

import { assert } from "../assert.ts";
import type { Codec } from "../codec.ts";
import { ByteReader, ByteWriter, DecodeError, UnsupportedVersionError } from "../codec.ts";
import type { HmacSha256 } from "../sigv4/hmac-sha256.ts";
import { streamVersion } from "./hello.ts";

const headBytes = 9;
const sealBytes = 16;
/** Around the frames. */
export const messageOverheadBytes: number = headBytes + sealBytes;

/** Gathers frames and makes messages of them. */
export class OutgoingMessages<Frame> {
  readonly #codec: Codec<Frame>;
  readonly #key: HmacSha256;
  readonly #writer = new ByteWriter(16 * 1024);
  #number = 0;

  constructor(codec: Codec<Frame>, key: HmacSha256) {
    this.#codec = codec;
    this.#key = key;
  }

  /** Of the message as it would be taken now; 0 when there are no frames for it. */
  get bytes(): number {
    return this.#writer.length === 0 ? 0 : this.#writer.length + sealBytes;
  }

  add(frame: Frame): void {
    if (this.#writer.length === 0) {
      this.#writer.u8(streamVersion);
      this.#writer.u53(this.#number);
    }
    this.#codec.write(this.#writer, frame);
  }

  /** The message of all frames added since; its memory is the caller's. */
  take(): Uint8Array {
    assert(this.#writer.length > 0, "a message has frames");
    this.#number++;
    this.#writer.raw(sealOf(this.#key, this.#writer.finish()));
    return this.#writer.take();
  }
}

/** Opens what the other side sealed. */
export class IncomingMessages<Frame> {
  readonly #codec: Codec<Frame>;
  readonly #key: HmacSha256;
  #number = 0;

  constructor(codec: Codec<Frame>, key: HmacSha256) {
    this.#codec = codec;
    this.#key = key;
  }

  /** All frames of a message. DecodeError when it is not the other side's next one; nothing may be opened afterwards. */
  open(message: Uint8Array): readonly Frame[] {
    if (message.length <= messageOverheadBytes) throw new DecodeError("a message without frames");
    if (message[0] !== streamVersion)
      throw new UnsupportedVersionError(`stream version ${message[0]}; this program knows ${streamVersion}`);
    const sealed = message.subarray(0, -sealBytes);
    if (!isSeal(message.subarray(-sealBytes), sealOf(this.#key, sealed)))
      throw new DecodeError("a message that does not match its seal");
    const reader = new ByteReader(sealed);
    reader.u8();
    if (reader.u53() !== this.#number) throw new DecodeError("a message out of its turn");
    this.#number++;
    const frames: Frame[] = [];
    while (reader.remaining > 0) frames.push(this.#codec.read(reader));
    return frames;
  }
}

function sealOf(key: HmacSha256, message: Uint8Array): Uint8Array {
  return key.sign(message).subarray(0, sealBytes);
}

/** Takes the same time wherever they differ. */
function isSeal(given: Uint8Array, right: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < sealBytes; i++) difference |= (given[i] ?? 0) ^ (right[i] ?? 0);
  return difference === 0;
}
