/** Puts one message together from the chunks of a connection, in memory that is taken once its length was found to be allowed. */

import { DecodeError } from "@holdfast/base";
import { readUint32 } from "../network/frame-format.ts";
import { joinLengthBytes, joinMessageBytesMax } from "./join-message.ts";

export class MessageReader {
  /** The length, then the message. */
  #piece = new Uint8Array(joinLengthBytes);
  #pieceBytes = 0;
  #hasLength = false;

  /** The message when it is whole. DecodeError when it is too long, or something comes behind it. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const rest = this.#take(chunk);
    if (this.#pieceBytes < this.#piece.length) return undefined;
    if (!this.#hasLength) {
      this.#hasLength = true;
      this.#piece = new Uint8Array(checkedLength(this.#piece));
      this.#pieceBytes = 0;
      return this.push(rest);
    }
    if (rest.length > 0) throw new DecodeError(`${rest.length} bytes behind the message`);
    return this.#piece;
  }

  /** What the piece at hand leaves of the chunk. */
  #take(chunk: Uint8Array): Uint8Array {
    const taken = Math.min(chunk.length, this.#piece.length - this.#pieceBytes);
    this.#piece.set(chunk.subarray(0, taken), this.#pieceBytes);
    this.#pieceBytes += taken;
    return chunk.subarray(taken);
  }
}

function checkedLength(bytes: Uint8Array): number {
  const length = readUint32(bytes, 0);
  if (length <= joinMessageBytesMax) return length;
  throw new DecodeError(`a message of ${length} bytes, where ${joinMessageBytesMax} are allowed`);
}
