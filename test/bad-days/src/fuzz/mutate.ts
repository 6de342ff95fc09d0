/** Small damage to bytes: what turns a well-formed message into one that a parser must refuse or must understand alike. */

import type { Random } from "@holdfast/base";
import { concatBytes, uniform, utf8 } from "@holdfast/base";

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[uniform(random, list.length)] as T;
}

/** Pieces that parsers stumble over. */
const oddities: readonly Uint8Array[] = [
  ..."\r\n|\n|\r|\r\n\r\n|\0|%|%0|%zz|%00|%ff|%c0%af|%ed%a0%80|&|=|;|:|,|?|#|/|//|../|+| |\t|0|-1|1e9".split(
    "|",
  ),
  ..."18446744073709551616|9007199254740993|ffffffffffffffff|0x10|'|\"|<|>|]]>|<!--|<![CDATA[".split("|"),
  ..."<!DOCTYPE a [<!ENTITY b 'c'>]>|&b;|&#0;|&#x110000;|<?xml version='1.1'?>|xmlns:x=''|\u{feff}|\u{1f4a9}".split(
    "|",
  ),
  "\u2028",
  "a".repeat(300),
]
  .map(utf8)
  .concat([
    Uint8Array.of(0xff),
    Uint8Array.of(0xc0, 0x80),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0x80),
  ]);

type Mutation = (random: Random, bytes: Uint8Array, at: number) => Uint8Array;

const mutations: readonly Mutation[] = [
  // A bit flips.
  (random, bytes, at) => bytes.map((byte, i) => (i === at ? byte ^ (1 << uniform(random, 8)) : byte)),
  // A piece is lost.
  (random, bytes, at) => concatBytes([bytes.subarray(0, at), bytes.subarray(at + 1 + uniform(random, 8))]),
  // A piece comes twice.
  (random, bytes, at) => concatBytes([bytes.subarray(0, at + 1 + uniform(random, 32)), bytes.subarray(at)]),
  // Something odd comes in between.
  (random, bytes, at) => concatBytes([bytes.subarray(0, at), pick(random, oddities), bytes.subarray(at)]),
  // Something odd in place of what was there.
  (random, bytes, at) => {
    const odd = pick(random, oddities);
    return concatBytes([bytes.subarray(0, at), odd, bytes.subarray(at + odd.length)]);
  },
  // It breaks off.
  (_random, bytes, at) => bytes.slice(0, at),
];

/** Up to `countMax` mutations; every second call changes nothing. */
export function mutate(random: Random, bytes: Uint8Array, countMax: number = 3): Uint8Array {
  let mutated = bytes;
  if (uniform(random, 2) === 0) return mutated;
  for (let left = 1 + uniform(random, countMax); left > 0; left--) {
    mutated = pick(random, mutations)(random, mutated, uniform(random, mutated.length + 1));
  }
  return mutated;
}

/** As bytes of a request line or header arrive: one character for each. */
export function mutateText(random: Random, text: string, countMax?: number): string {
  return latin1(mutate(random, utf8(text), countMax));
}

export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Cut at random places, as packets are. */
export function split(random: Random, bytes: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + uniform(random, pick(random, [1, 3, 64, 4096]));
    pieces.push(bytes.slice(at, at + length));
    at += length;
  }
  return pieces;
}
