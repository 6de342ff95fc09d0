import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { AssertionError } from "./assert.ts";
import { concatBytes, fromHex, toHex, utf8 } from "./bytes.ts";
import type { Codec } from "./codec.ts";
import {
  ByteReader,
  ByteWriter,
  boolean,
  byteString,
  DecodeError,
  decode,
  decodeOrNothing,
  encode,
  integer,
  list,
  oneOf,
  optional,
  record,
  text,
  UnsupportedVersionError,
  uint32,
  union,
  useEncoded,
  variant,
  versioned,
} from "./codec.ts";

const shape = union({
  point: variant(1, record({ x: integer, label: optional(text) })),
  cloud: variant(2, record({ points: list(uint32), open: boolean })),
  blob: variant(7, record({ bytes: byteString, colour: oneOf(["red", "green"]) })),
});
const document = versioned(3, record({ name: text, shapes: list(shape) }));

/** Any Unicode text, without lone surrogates. */
const anyText = fc.string({
  unit: fc
    .nat({ max: 0x10_ffff })
    .filter((point) => point < 0xd800 || point > 0xdfff)
    .map((point) => String.fromCodePoint(point)),
});
const anyInteger = fc.oneof(fc.nat(), fc.maxSafeNat());
const anyShape = fc.oneof(
  fc.record({
    kind: fc.constant("point" as const),
    x: anyInteger,
    label: fc.option(fc.string(), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("cloud" as const),
    points: fc.array(fc.nat({ max: 0xffff_ffff })),
    open: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("blob" as const),
    bytes: fc.uint8Array(),
    colour: fc.constantFrom("red" as const, "green" as const),
  }),
);
const anyDocument = fc.record({ name: anyText, shapes: fc.array(anyShape) });

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? toHex(v) : v)));
const bytesOf = (hex: string): Uint8Array => fromHex(hex) ?? assert.fail("not hexadecimal");

test("what was written reads back equal", () => {
  fc.assert(
    fc.property(anyDocument, (value) => {
      assert.deepEqual(plain(decode(document, encode(document, value))), plain(value));
    }),
  );
});

test("golden bytes: the encodings never change", () => {
  const value = {
    name: "né",
    shapes: [
      { kind: "point" as const, x: 300, label: undefined },
      { kind: "point" as const, x: Number.MAX_SAFE_INTEGER, label: "a" },
      { kind: "cloud" as const, points: [1, 0xffff_ffff], open: true },
      { kind: "blob" as const, bytes: new Uint8Array([9]), colour: "green" as const },
    ],
  };
  const hex =
    "03036ec3a904" + "01ac0200" + "01ffffffffffffff0f010161" + "020200000001ffffffff01" + "07010901";
  assert.equal(toHex(encode(document, value)), hex);
  assert.deepEqual(plain(decode(document, bytesOf(hex))), plain(value));
});

test("a cut, extended or damaged encoding is refused with DecodeError or reads as another value, never otherwise", () => {
  fc.assert(
    fc.property(anyDocument, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, where, flip) => {
      const bytes = encode(document, value);
      assert.throws(() => decode(document, bytes.subarray(0, where % bytes.length)), DecodeError);
      assert.equal(decodeOrNothing(document, bytes.subarray(0, where % bytes.length)), undefined);
      assert.throws(() => decode(document, concatBytes([bytes, new Uint8Array(1)])), DecodeError);
      const damaged = bytes.slice();
      damaged[where % bytes.length] = (damaged[where % bytes.length] ?? 0) ^ flip;
      try {
        decode(document, damaged);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
  );
});

test("random bytes are refused with DecodeError, nothing else", () => {
  const codecs: readonly Codec<unknown>[] = [
    document,
    shape,
    list(list(integer)),
    text,
    optional(boolean),
  ] as readonly Codec<unknown>[];
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom(...codecs), (bytes, codec) => {
      try {
        decode(codec, bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
  );
});

test("integers up to 2^53 - 1 are carried; larger encodings are refused", () => {
  fc.assert(fc.property(anyInteger, (value) => assert.equal(decode(integer, encode(integer, value)), value)));
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN])
    assert.throws(() => encode(integer, value), AssertionError);
  for (const hex of ["ffffffffffffff10", "ffffffffffffff7f", "ffffffffffffffff01", "80808080808080808001"]) {
    assert.throws(() => decode(integer, bytesOf(hex)), DecodeError);
  }
});

test("an integer has one encoding: padded ones are refused", () => {
  for (const hex of ["8000", "ff00", "808000"])
    assert.throws(() => decode(integer, bytesOf(hex)), DecodeError);
});

test("u53 is eight big-endian bytes that sort like the number", () => {
  const bytes = (value: number): Uint8Array => {
    const writer = new ByteWriter();
    writer.u53(value);
    return writer.finish();
  };
  fc.assert(
    fc.property(anyInteger, anyInteger, (a, b) => {
      assert.equal(Buffer.from(bytes(a)).readBigUInt64BE(), BigInt(a));
      assert.equal(new ByteReader(bytes(a)).u53(), a);
      assert.equal(Buffer.compare(bytes(a), bytes(b)), Math.sign(a - b));
    }),
  );
  assert.throws(() => new ByteReader(bytesOf("0020000000000000")).u53(), DecodeError);
});

test("a byte string is a copy: changing the buffer afterwards does not change the value", () => {
  const bytes = encode(byteString, utf8("abc"));
  const value = decode(byteString, bytes);
  bytes.fill(0);
  assert.deepEqual(value, utf8("abc"));
});

test("a byte string read from a Buffer is a copy too", () => {
  const bytes = Buffer.from(encode(byteString, utf8("abc")));
  const value = decode(byteString, bytes);
  bytes.fill(0);
  assert.deepEqual(Buffer.from(value), Buffer.from("abc"));
});

test("a length beyond the bytes that are left is refused before anything is allocated", () => {
  assert.throws(() => decode(byteString, bytesOf("ffffffffffffff0f")), DecodeError);
  assert.throws(() => decode(list(text), bytesOf("ffffffffffffff0f")), DecodeError);
});

test("an older version is read by its own decoder, a newer one refused by name", () => {
  const current = versioned(2, record({ a: integer, b: integer }), {
    1: (reader) => ({ a: reader.varint(), b: 0 }),
  });
  assert.deepEqual(decode(current, bytesOf("0105")), { a: 5, b: 0 });
  assert.deepEqual(decode(current, bytesOf("020506")), { a: 5, b: 6 });
  assert.throws(() => decode(current, bytesOf("0305")), UnsupportedVersionError);
});

test("a union refuses two variants with one tag", () => {
  assert.throws(() => union({ a: variant(1, record({})), b: variant(1, record({})) }), AssertionError);
  const earlier = variant(2, record({}), { 1: () => ({}) });
  assert.throws(() => union({ a: variant(1, record({})), b: earlier }), AssertionError);
});

test("a kind whose fields changed is written under its new tag, and read under the earlier one too", () => {
  const current = union({
    a: variant(3, record({ x: integer, y: integer }), { 1: (reader) => ({ x: reader.varint(), y: 7 }) }),
    b: variant(2, record({})),
  });
  assert.equal(toHex(encode(current, { kind: "a", x: 5, y: 6 })), "030506");
  assert.deepEqual(decode(current, bytesOf("030506")), { kind: "a", x: 5, y: 6 });
  assert.deepEqual(decode(current, bytesOf("0105")), { kind: "a", x: 5, y: 7 });
  assert.throws(() => decode(current, bytesOf("010506")), DecodeError);
});

test("malformed UTF-8, unknown words, tags and booleans are refused", () => {
  assert.throws(() => decode(text, bytesOf("01ff")), DecodeError);
  assert.throws(() => decode(oneOf(["a"]), bytesOf("01")), DecodeError);
  assert.throws(() => decode(shape, bytesOf("0900")), DecodeError);
  assert.throws(() => decode(boolean, bytesOf("02")), DecodeError);
});

test("a writer that grows at any byte loses nothing, whatever is being written", () => {
  for (let initial = 1; initial < 40; initial++) {
    const writer = new ByteWriter(initial);
    for (let i = 0; i < 20; i++) {
      writer.u8(i);
      writer.u32(0x0102_0304 + i);
      writer.varint(300 + i);
      writer.text("text");
    }
    const reader = new ByteReader(writer.finish());
    for (let i = 0; i < 20; i++) {
      assert.equal(reader.u8(), i);
      assert.equal(reader.u32(), 0x0102_0304 + i);
      assert.equal(reader.varint(), 300 + i);
      assert.equal(text.read(reader), "text");
    }
  }
});

test("an encoding larger than the shared scratch memory is whole, and the next one starts afresh", () => {
  const numbers = Array.from({ length: 100_000 }, (_, i) => i);
  assert.deepEqual(decode(list(integer), encode(list(integer), numbers)), numbers);
  assert.deepEqual(encode(integer, 5), Uint8Array.of(5));
});

test("an encoding that fails leaves nothing behind for the next one", () => {
  assert.throws(() => encode(list(integer), [1, 2, -1]));
  assert.deepEqual(encode(integer, 5), Uint8Array.of(5));
});

test("encode leaves room for a head, zeroed, also within another encoding", () => {
  const inner: Codec<string> = {
    write: (writer, value) => writer.bytes(encode(text, value, 2)),
    read: (reader) => text.read(reader),
  };
  assert.deepEqual(encode(text, "a", 4), Uint8Array.of(0, 0, 0, 0, 1, 0x61));
  assert.deepEqual(encode(inner, "a", 1), Uint8Array.of(0, 4, 0, 0, 1, 0x61));
});

test("a writer that is taken from begins anew, and what was taken stays as it is, long or short", () => {
  const writer = new ByteWriter(16);
  const taken = [0, 10, 5000, 40_000, 100, 16_384, 16_385, 3].map((length, i) => {
    const bytes = new Uint8Array(length).fill(i + 1);
    writer.raw(bytes);
    return { bytes, taken: writer.take() };
  });
  for (const each of taken) assert.deepEqual(each.taken, each.bytes);
  assert.equal(writer.length, 0);
});

test("bytes that are used at once are those of encode, whoever encodes meanwhile", () => {
  fc.assert(
    fc.property(anyShape, anyShape, (value, other) => {
      let used = new Uint8Array(0);
      useEncoded(shape, value, (bytes) => {
        useEncoded(shape, other, (inner) => assert.deepEqual(inner, encode(shape, other)));
        used = new Uint8Array(bytes);
      });
      assert.deepEqual(used, encode(shape, value));
    }),
  );
});

test("an encoding whose use fails leaves nothing behind for the next one", () => {
  const fails = (): void => useEncoded(text, "first", () => assert.fail("in use"));
  assert.throws(fails, /in use/);
  useEncoded(text, "second", (bytes) => assert.deepEqual(decode(text, bytes), "second"));
});
