/**
 * Contents made from small numbers, so that a model can check every byte without keeping any. A body is a row of
 * pieces (the parts of an upload; one otherwise). Each 4-byte word of a piece mixes the piece's number with the word's
 * place: bytes of another piece, or of another place in the same piece, show within a few bytes.
 */

import { concatBytes } from "@holdfast/base";

export interface Piece {
  readonly id: number;
  readonly bytes: number;
}

export interface Body {
  readonly pieces: readonly Piece[];
}

export function bodyLength(body: Body): number {
  let bytes = 0;
  for (const piece of body.pieces) bytes += piece.bytes;
  return bytes;
}

export function pieceBytes(
  piece: Piece,
  offset: number = 0,
  length: number = piece.bytes - offset,
): Uint8Array {
  const firstWord = Math.floor(offset / 4);
  const words = new Uint32Array(Math.ceil((offset + length) / 4) - firstWord);
  for (let i = 0; i < words.length; i++) words[i] = word(piece.id, firstWord + i);
  return new Uint8Array(words.buffer, offset - 4 * firstWord, length);
}

export function bodyBytes(
  body: Body,
  offset: number = 0,
  length: number = bodyLength(body) - offset,
): Uint8Array {
  const slices: Uint8Array[] = [];
  let start = 0;
  for (const piece of body.pieces) {
    const from = Math.max(offset, start);
    const to = Math.min(offset + length, start + piece.bytes);
    if (from < to) slices.push(pieceBytes(piece, from - start, to - from));
    start += piece.bytes;
  }
  return slices.length === 1 ? (slices[0] ?? new Uint8Array()) : concatBytes(slices);
}

/** Where the bytes differ from the body's behind `offset`, in the body's count; undefined when they do not. */
export function firstDifference(body: Body, offset: number, found: Uint8Array): number | undefined {
  const expected = bodyBytes(body, offset, found.length);
  for (let i = 0; i < found.length; i++) if (found[i] !== expected[i]) return offset + i;
  return undefined;
}

function word(id: number, place: number): number {
  let z = Math.imul(id + 1, 0x9e37_79b1) ^ Math.imul(place + 0x7f4a, 0x85eb_ca6b);
  z = Math.imul(z ^ (z >>> 15), 0xc2b2_ae35);
  return (z ^ (z >>> 13)) >>> 0;
}
