/**
 * Reed-Solomon k + m over blocks. Systematic: the data fragments are the block's bytes in order, cut into k pieces of
 * ceil(bytes / k), zeros behind the last byte; the parity fragments are their products with the coding matrix. Any k of
 * the k + m fragments give the block. Which fragments are intact, and how long the block was, the caller knows.
 */

import { assert, equalBytes, present } from "@holdfast/base";
import type { Matrix } from "./coding-matrix.ts";
import { codingMatrix } from "./coding-matrix.ts";
import type { Multiplier } from "./multiplier.ts";
import { plainMultiplier } from "./plain-multiplier.ts";
import { recoveryMatrix } from "./recovery-matrix.ts";
import { simdMultiplier } from "./simd-multiplier.ts";

/** At least 1 data fragment, at most 32 fragments together. */
export interface ErasureCode {
  readonly dataFragments: number;
  readonly parityFragments: number;
}

/** What is there, by the fragment's number: data first. `undefined` is lost. */
export type Fragments = readonly (Uint8Array | undefined)[];

export type FragmentFailure =
  | { readonly kind: "too-few-fragments"; readonly presentCount: number; readonly neededCount: number }
  /** Not the length that belongs to the block's or to the buffers given, or else not the first fragment's. */
  | {
      readonly kind: "wrong-fragment-length";
      readonly fragment: number;
      readonly bytes: number;
      readonly expectedBytes: number;
    };

export type Rebuilt =
  | { readonly kind: "rebuilt"; readonly fragments: readonly Uint8Array[] }
  | FragmentFailure;

export type Joined = { readonly kind: "joined"; readonly block: Uint8Array } | FragmentFailure;

/** Stateless: one coder may serve any number of blocks at a time. All methods want k + m fragments, some `undefined`. */
export interface ErasureCoder extends ErasureCode {
  /** What computes, for logs and benchmarks. */
  readonly multiplierName: string;
  fragmentBytes(blockBytes: number): number;
  /** All k + m fragments. Data fragments that need no padding are views of the block, not copies. */
  encode(block: Uint8Array): readonly Uint8Array[];
  /** The parity alone, into `parityFragments` buffers of `fragmentBytes` that share no memory with the block. */
  encodeInto(block: Uint8Array, parity: readonly Uint8Array[]): void;
  /** All fragments, the lost ones computed; those that were given are returned as they are, not copied. */
  reconstruct(fragments: Fragments): Rebuilt;
  /**
   * The same for the wanted numbers alone, in their order: what repair of one fragment costs. With `into`, a buffer for
   * each wanted number, what was lost is written there; fresh memory costs more time than the computation.
   */
  rebuild(fragments: Fragments, wanted: readonly number[], into?: readonly Uint8Array[]): Rebuilt;
  /** Whether the parity belongs to the data. Fragments of different lengths do not belong together. */
  verify(fragments: readonly Uint8Array[]): boolean;
  /** The block of this length, lost data computed in place. The padding is not looked at. */
  join(fragments: Fragments, blockBytes: number): Joined;
}

export function createErasureCoder(
  code: ErasureCode,
  multiplier: Multiplier = fastestMultiplier(),
): ErasureCoder {
  return new Coder(code, multiplier);
}

let fastest: Multiplier | undefined;

/** Made once in each thread, at first use: emitting and compiling the kernel takes 10 to 40 ms. */
export function fastestMultiplier(): Multiplier {
  fastest ??= simdMultiplier("relaxed") ?? simdMultiplier("strict") ?? plainMultiplier;
  return fastest;
}

class Coder implements ErasureCoder {
  readonly dataFragments: number;
  readonly parityFragments: number;
  readonly multiplierName: string;
  readonly #matrix: Matrix;
  readonly #multiplier: Multiplier;

  constructor(code: ErasureCode, multiplier: Multiplier) {
    assert(Number.isInteger(code.dataFragments) && Number.isInteger(code.parityFragments), "whole fragments");
    this.dataFragments = code.dataFragments;
    this.parityFragments = code.parityFragments;
    this.#matrix = codingMatrix(code.dataFragments, code.parityFragments);
    this.#multiplier = multiplier;
    this.multiplierName = multiplier.name;
  }

  fragmentBytes(blockBytes: number): number {
    return Math.ceil(blockBytes / this.dataFragments);
  }

  encode(block: Uint8Array): readonly Uint8Array[] {
    const bytes = this.fragmentBytes(block.length);
    const data = this.#cut(block).map((piece) => {
      if (piece.length === bytes) return piece;
      const padded = new Uint8Array(bytes);
      padded.set(piece);
      return padded;
    });
    const parity = Array.from({ length: this.parityFragments }, () => new Uint8Array(bytes));
    this.#multiplier.multiply(this.#matrix, data, parity);
    return [...data, ...parity];
  }

  encodeInto(block: Uint8Array, parity: readonly Uint8Array[]): void {
    const bytes = this.fragmentBytes(block.length);
    assert(parity.length === this.parityFragments, "a buffer for each parity fragment");
    assert(
      parity.every((buffer) => buffer.length === bytes),
      "parity buffers as long as a fragment",
    );
    this.#multiplier.multiply(this.#matrix, this.#cut(block), parity);
  }

  reconstruct(fragments: Fragments): Rebuilt {
    return this.rebuild(fragments, [...fragments.keys()]);
  }

  rebuild(fragments: Fragments, wanted: readonly number[], into?: readonly Uint8Array[]): Rebuilt {
    assert(
      wanted.every((fragment) => Number.isInteger(fragment) && fragment >= 0 && fragment < fragments.length),
      "wanted fragments are numbered from 0 below k + m",
    );
    const measure = into?.[0] ?? fragments.find((fragment) => fragment !== undefined);
    const bytes = measure?.length ?? 0;
    assert(into === undefined || into.length === wanted.length, "a buffer for each wanted fragment");
    assert(into?.every((buffer) => buffer.length === bytes) ?? true, "buffers of one length");
    const failure = this.#check(fragments, bytes);
    if (failure !== undefined) return failure;
    const made = new Map<number, Uint8Array>();
    wanted.forEach((fragment, i) => {
      if (fragments[fragment] === undefined) made.set(fragment, into?.[i] ?? new Uint8Array(bytes));
    });
    this.#compute(fragments, made);
    const all = wanted.map((fragment) =>
      present(fragments[fragment] ?? made.get(fragment), "a wanted fragment"),
    );
    return { kind: "rebuilt", fragments: all };
  }

  verify(fragments: readonly Uint8Array[]): boolean {
    assert(fragments.length === this.dataFragments + this.parityFragments, "all k + m fragments");
    const bytes = fragments[0]?.length ?? 0;
    if (fragments.some((fragment) => fragment.length !== bytes)) return false;
    const parity = Array.from({ length: this.parityFragments }, () => new Uint8Array(bytes));
    this.#multiplier.multiply(this.#matrix, fragments.slice(0, this.dataFragments), parity);
    return parity.every((made, i) =>
      equalBytes(made, present(fragments[this.dataFragments + i], "a parity fragment")),
    );
  }

  join(fragments: Fragments, blockBytes: number): Joined {
    assert(Number.isInteger(blockBytes) && blockBytes >= 0, "the block's length in bytes");
    const failure = this.#check(fragments, this.fragmentBytes(blockBytes));
    if (failure !== undefined) return failure;
    const block = new Uint8Array(blockBytes);
    const made = new Map<number, Uint8Array>();
    this.#cut(block).forEach((piece, i) => {
      const fragment = fragments[i];
      if (fragment !== undefined) piece.set(fragment.subarray(0, piece.length));
      else if (piece.length > 0) made.set(i, piece);
    });
    this.#compute(fragments, made);
    return { kind: "joined", block };
  }

  /** The data fragments without padding: the last ones may be short or empty. */
  #cut(block: Uint8Array): readonly Uint8Array[] {
    const bytes = this.fragmentBytes(block.length);
    return Array.from({ length: this.dataFragments }, (_, i) => block.subarray(i * bytes, (i + 1) * bytes));
  }

  /** Fragments come from disks and other nodes: what is wrong with them is an answer, not an assertion. */
  #check(fragments: Fragments, expectedBytes: number): FragmentFailure | undefined {
    assert(fragments.length === this.dataFragments + this.parityFragments, "a place for each fragment");
    let presentCount = 0;
    for (const [number, fragment] of fragments.entries()) {
      if (fragment === undefined) continue;
      if (fragment.length !== expectedBytes)
        return {
          kind: "wrong-fragment-length",
          fragment: number,
          bytes: fragment.length,
          expectedBytes,
        };
      presentCount++;
    }
    if (presentCount >= this.dataFragments) return undefined;
    return { kind: "too-few-fragments", presentCount, neededCount: this.dataFragments };
  }

  /** Fills the buffers of lost fragments, by number, from any k that are there. */
  #compute(fragments: Fragments, made: ReadonlyMap<number, Uint8Array>): void {
    if (made.size === 0) return;
    const isPresent = (fragment: number): boolean => fragments[fragment] !== undefined;
    const { sources, matrix } = recoveryMatrix(this.#matrix, this.dataFragments, isPresent, [...made.keys()]);
    const inputs = sources.map((fragment) => present(fragments[fragment], "a source that is there"));
    this.#multiplier.multiply(matrix, inputs, [...made.values()]);
  }
}
