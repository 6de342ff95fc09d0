/**
 * Binary codecs for everything stored or sent: small combinators that turn a value into bytes and back.
 * Integers are unsigned LEB128 up to 2^53 - 1; byte strings and lists carry their length. Every stored
 * or sent format is `versioned`, so that old bytes stay readable and newer ones are refused clearly.
 * Reading never trusts a length: it is checked against the bytes that are left.
 */

import { assert } from "./assert.ts";
import { utf8, utf8Text } from "./bytes.ts";
import type { Slabs } from "./slab.ts";
import { briefSlabs } from "./slab.ts";

/** The bytes are not what the codec expects: validation of input, never an assertion. */
export class DecodeError extends Error {
  override readonly name: string = "DecodeError";
}

/** The bytes are of a format version this program does not know. */
export class UnsupportedVersionError extends DecodeError {
  override readonly name: string = "UnsupportedVersionError";
}

/** Of a writer's memory that is used again: no more than slabs carve off. */
const keptBytesMax = 16 * 1024;

export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(bytesInitial: number = 128) {
    this.#bytes = new Uint8Array(bytesInitial);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    this.#length = end;
    return start;
  }

  u8(value: number): void {
    const start = this.#reserve(1); // First: it may replace the bytes.
    this.#bytes[start] = value;
  }

  /** Big-endian, four bytes. */
  u32(value: number): void {
    const start = this.#reserve(4);
    this.#bytes[start] = value >>> 24;
    this.#bytes[start + 1] = value >>> 16;
    this.#bytes[start + 2] = value >>> 8;
    this.#bytes[start + 3] = value;
  }

  /** Big-endian, eight bytes, below 2^53; sorts like the number. */
  u53(value: number): void {
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value >>> 0);
  }

  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `not an unsigned integer: ${value}`);
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  /** The bytes alone, without a length. */
  raw(bytes: Uint8Array): void {
    const start = this.#reserve(bytes.length);
    this.#bytes.set(bytes, start);
  }

  zeros(count: number): void {
    const start = this.#reserve(count);
    this.#bytes.fill(0, start, start + count);
  }

  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** What was written; the writer must not be used again. */
  finish(): Uint8Array {
    return this.#length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(0, this.#length);
  }

  /** Begins anew in the same memory. */
  reset(): void {
    this.#length = 0;
  }

  /**
   * What was written, and begins anew: short bytes are carved off a slab, so that the memory they were gathered in stays as large
   * as it has become; long ones take it with them.
   */
  take(slabs: Slabs = briefSlabs): Uint8Array {
    const isLong = this.#length > keptBytesMax;
    const taken = isLong ? this.finish() : slabs.copy(this.finish());
    if (isLong) this.#bytes = new Uint8Array(keptBytesMax);
    this.#length = 0;
    return taken;
  }

  /** Text in UTF-8 behind its length. Short ASCII, the usual case, is written without a detour. */
  text(value: string): void {
    const { length } = value;
    if (length >= 0x80) return this.bytes(utf8(value));
    const start = this.#reserve(1 + length);
    this.#bytes[start] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.#length = start;
        return this.bytes(utf8(value));
      }
      this.#bytes[start + 1 + i] = code;
    }
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  get offset(): number {
    return this.#offset;
  }

  #take(count: number): number {
    if (count > this.remaining) throw new DecodeError(`needs ${count} bytes, ${this.remaining} left`);
    const start = this.#offset;
    this.#offset += count;
    return start;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] ?? 0;
  }

  u32(): number {
    const start = this.#take(4);
    const bytes = this.#bytes;
    const low = ((bytes[start + 1] ?? 0) << 16) | ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
    return (bytes[start] ?? 0) * 0x100_0000 + low;
  }

  u53(): number {
    const high = this.u32();
    if (high >= 0x20_0000) throw new DecodeError("integer above 2^53 - 1");
    return high * 0x1_0000_0000 + this.u32();
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        // One encoding per value: equal values must give equal bytes, and equal checksums.
        if (byte === 0 && i > 0) throw new DecodeError("padded integer");
        return value;
      }
      scale *= 0x80;
    }
    throw new DecodeError("integer above 2^53 - 1");
  }

  /** A view, not a copy. */
  raw(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    return this.raw(this.varint());
  }
}

export interface Codec<T> {
  write(writer: ByteWriter, value: T): void;
  read(reader: ByteReader): T;
}

/** The type of the values that a codec turns into bytes. */
export type Decoded<C> = C extends Codec<infer T> ? T : never;

/** One for all: encoding runs to its end before the next begins, unless a codec encodes within. */
const scratch = new ByteWriter(64 * 1024);
let scratchTaken = false;

/** The value's bytes, behind as many zeros as asked for: room for a head that depends on them. */
export function encode<T>(
  codec: Codec<T>,
  value: T,
  headBytes: number = 0,
  slabs: Slabs = briefSlabs,
): Uint8Array {
  if (scratchTaken) {
    const inner = new ByteWriter();
    inner.zeros(headBytes);
    codec.write(inner, value);
    return inner.finish();
  }
  scratchTaken = true;
  try {
    scratch.zeros(headBytes);
    codec.write(scratch, value);
    return slabs.copy(scratch.finish());
  } finally {
    scratch.reset();
    scratchTaken = false;
  }
}

/** As `encode`, for bytes that are copied at once: they are the callee's while it runs, and not a moment longer. */
export function useEncoded<T>(codec: Codec<T>, value: T, use: (bytes: Uint8Array) => void): void {
  if (scratchTaken) return use(encode(codec, value));
  scratchTaken = true;
  try {
    codec.write(scratch, value);
    use(scratch.finish());
  } finally {
    scratch.reset();
    scratchTaken = false;
  }
}

/** Throws DecodeError unless the codec reads exactly these bytes. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new ByteReader(bytes);
  const value = codec.read(reader);
  if (reader.remaining !== 0) throw new DecodeError(`${reader.remaining} bytes too many`);
  return value;
}

/** Undefined where `decode` throws DecodeError. */
export function decodeOrNothing<T>(codec: Codec<T>, bytes: Uint8Array): T | undefined {
  try {
    return decode(codec, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

export const integer: Codec<number> = {
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
};

/** An unsigned integer that carries a brand. */
export function branded<T extends number>(): Codec<T> {
  return integer as Codec<number> as Codec<T>;
}

export const uint32: Codec<number> = {
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
};

export const boolean: Codec<boolean> = {
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => {
    const byte = reader.u8();
    if (byte > 1) throw new DecodeError(`not a boolean: ${byte}`);
    return byte === 1;
  },
};

/** Reading gives a copy, so that a small value does not keep a large buffer alive. */
export const byteString: Codec<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  // Not `slice`: of a Buffer, that is a view.
  read: (reader) => new Uint8Array(reader.bytes()),
};

/** Reading gives a view: for large values whose buffer lives as long as they do. */
export const byteView: Codec<Uint8Array> = {
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
};

export const text: Codec<string> = {
  write: (writer, value) => writer.text(value),
  read: (reader) => {
    try {
      return utf8Text(reader.bytes());
    } catch (cause) {
      if (cause instanceof DecodeError) throw cause;
      throw new DecodeError("malformed UTF-8", { cause });
    }
  },
};

/** One of a fixed list of words, stored by position: append new words at the end, never reorder. */
export function oneOf<const Words extends readonly string[]>(words: Words): Codec<Words[number]> {
  return {
    write: (writer, value) => {
      const position = words.indexOf(value);
      assert(position >= 0, `not one of ${words.join(", ")}: ${value}`);
      writer.u8(position);
    },
    read: (reader) => {
      const word = words[reader.u8()];
      if (word === undefined) throw new DecodeError(`unknown word, not one of ${words.join(", ")}`);
      return word;
    },
  };
}

export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (writer, value) => {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) codec.write(writer, value);
    },
    read: (reader) => (boolean.read(reader) ? codec.read(reader) : undefined),
  };
}

export function list<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    write: (writer, values) => {
      writer.varint(values.length);
      for (const value of values) codec.write(writer, value);
    },
    read: (reader) => {
      const count = reader.varint();
      if (count > reader.remaining) throw new DecodeError(`list of ${count} in ${reader.remaining} bytes`);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(codec.read(reader));
      return values;
    },
  };
}

type Fields = Readonly<Record<string, Codec<never>>>;
type RecordOf<F> = { readonly [Name in keyof F]: F[Name] extends Codec<infer T> ? T : never };

/** Fields in the order given; absent values are `undefined`, never a missing property. */
export function record<F extends { readonly [Name in keyof F]: Codec<never> | Codec<unknown> }>(
  fields: F,
): Codec<RecordOf<F>> {
  return new RecordCodec(fields as Fields) as Codec<unknown> as Codec<RecordOf<F>>;
}

type Properties = Record<string, unknown>;

class RecordCodec implements Codec<Readonly<Properties>> {
  readonly #names: readonly string[];
  readonly #codecs: readonly Codec<unknown>[];

  constructor(fields: Fields) {
    this.#names = Object.keys(fields);
    this.#codecs = Object.values(fields) as readonly Codec<unknown>[];
  }

  write(writer: ByteWriter, value: Readonly<Properties>): void {
    for (let i = 0; i < this.#names.length; i++) {
      this.#codecs[i]?.write(writer, value[this.#names[i] ?? ""]);
    }
  }

  read(reader: ByteReader): Readonly<Properties> {
    return this.readInto({}, reader);
  }

  readInto(value: Properties, reader: ByteReader): Readonly<Properties> {
    for (let i = 0; i < this.#names.length; i++) {
      value[this.#names[i] ?? ""] = this.#codecs[i]?.read(reader);
    }
    return value;
  }
}

/** A member of a discriminated union: its tag on the wire (never reused) and its fields without `kind`. */
export interface Variant<T> {
  readonly tag: number;
  readonly codec: Codec<T>;
  /** Tags that earlier programs wrote this kind under, and what brings their fields to today's shape. */
  readonly older: Readonly<Record<number, (reader: ByteReader) => T>>;
}

/** A kind whose fields changed takes a new tag; what was written under the earlier ones is read for ever. */
export function variant<T>(
  tag: number,
  codec: Codec<T>,
  older: Readonly<Record<number, (reader: ByteReader) => T>> = {},
): Variant<T> {
  return { tag, codec, older };
}

type UnionOf<V> = {
  [Kind in keyof V]: V[Kind] extends Variant<infer T> ? { readonly kind: Kind } & T : never;
}[keyof V];

/** A union discriminated by `kind`. */
export function union<V extends { readonly [Kind in keyof V]: Variant<never> | Variant<unknown> }>(
  variants: V,
): Codec<UnionOf<V>> {
  const byKind = new Map<string, Variant<unknown>>();
  const byTag = new Map<number, { kind: string; codec: Pick<Codec<unknown>, "read"> }>();
  const take = (tag: number, kind: string, codec: Pick<Codec<unknown>, "read">): void => {
    assert(!byTag.has(tag), `tag ${tag} used twice`);
    byTag.set(tag, { kind, codec });
  };
  for (const [kind, member] of Object.entries(variants) as [string, Variant<unknown>][]) {
    byKind.set(kind, member);
    take(member.tag, kind, member.codec);
    for (const [tag, read] of Object.entries(member.older)) take(Number(tag), kind, { read });
  }
  return {
    write: (writer, value) => {
      const member = byKind.get((value as { kind: string }).kind);
      assert(member !== undefined, "unknown kind");
      writer.u8(member.tag);
      member.codec.write(writer, value);
    },
    read: (reader) => {
      const tag = reader.u8();
      const member = byTag.get(tag);
      if (member === undefined) throw new DecodeError(`unknown tag ${tag}`);
      const { kind, codec } = member;
      const value =
        codec instanceof RecordCodec
          ? codec.readInto({ kind }, reader)
          : { kind, ...(codec.read(reader) as object) };
      return value as UnionOf<V>;
    },
  };
}

/**
 * A format with a leading version byte. `current` writes; `older` maps each earlier version to the
 * decoder that brings its bytes to today's shape.
 */
export function versioned<T>(
  version: number,
  current: Codec<T>,
  older: Readonly<Record<number, (reader: ByteReader) => T>> = {},
): Codec<T> {
  return {
    write: (writer, value) => {
      writer.u8(version);
      current.write(writer, value);
    },
    read: (reader) => {
      const found = reader.u8();
      if (found === version) return current.read(reader);
      const decoder = older[found];
      if (decoder === undefined)
        throw new UnsupportedVersionError(`format version ${found}; this program knows up to ${version}`);
      return decoder(reader);
    },
  };
}
