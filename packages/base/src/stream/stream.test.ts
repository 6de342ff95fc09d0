import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import { toHex, utf8 } from "../bytes.ts";
import { ByteReader, ByteWriter, DecodeError, UnsupportedVersionError } from "../codec.ts";
import { seededRandom, uniform } from "../random.ts";
import { fieldsCodec } from "./fields.ts";
import type { ClientFrame, ServerFrame } from "./frames.ts";
import { clientFrameCodec, serverFrameCodec, streamOperations } from "./frames.ts";
import { decodeStreamHello, encodeStreamHello } from "./hello.ts";
import { IncomingMessages, OutgoingMessages } from "./messages.ts";
import { streamKeys } from "./stream-keys.ts";

const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();

const hello = encodeStreamHello({
  nonce: new Uint8Array(16).fill(9),
  operationsMax: 1024,
  messageBytesMax: 1 << 20,
  bodyBytesMax: 1 << 16,
});
const keys = streamKeys(sha256, "secret", "00ff", hello);

const requests: readonly ClientFrame[] = [
  {
    kind: "request",
    id: 7,
    operation: "storeFile",
    bucket: "b",
    key: "ä/k",
    fields: { "if-none-match": "*", "x-holdfast-meta-a": "1" },
    body: utf8("Bonjour"),
  },
  { kind: "cancel", id: 7 },
  { kind: "alive" },
];
const answers: readonly ServerFrame[] = [
  { kind: "answer", id: 7, status: 200, fields: { etag: '"e"' }, body: utf8("{}") },
  { kind: "elsewhere", id: 0xffff_ffff },
  { kind: "alive" },
  { kind: "leave" },
];

function messageOf<Frame>(outgoing: OutgoingMessages<Frame>, frames: readonly Frame[]): Uint8Array {
  for (const frame of frames) outgoing.add(frame);
  return outgoing.take();
}

const toServer = () => new OutgoingMessages(clientFrameCodec, keys.toServer);
const atServer = () => new IncomingMessages(clientFrameCodec, keys.toServer);

suite("stream messages", () => {
  test("the bytes of hello, requests and answers stay what they are", () => {
    assert.equal(toHex(hello), "0110090909090909090909090909090909098008808040808004");
    assert.equal(
      toHex(messageOf(toServer(), requests)),
      "010000000000000000010000000700016204c3a42f6b020b012a0011782d686f6c64666173742d6d6574612d61013107426f6e6a6f75720200000007039619712522447f13f9550d33b02a38be",
    );
    assert.equal(
      toHex(messageOf(new OutgoingMessages(serverFrameCodec, keys.toClient), answers)),
      "0100000000000000000100000007c801010903226522027b7d02ffffffff0304c18eb8cb189f18e696f110cb1720d1be",
    );
  });

  test("the usual names of fields keep their numbers", () => {
    const writer = new ByteWriter();
    writer.varint(23);
    for (let number = 1; number <= 23; number++) {
      writer.u8(number);
      writer.text(`${number}`);
    }
    const names = Object.keys(fieldsCodec.read(new ByteReader(writer.finish())));
    assert.equal(
      names.join(" "),
      "content-type content-length content-range content-disposition content-language cache-control expires range etag if-match " +
        "if-none-match if-modified-since if-unmodified-since last-modified accept-ranges x-holdfast-bytes x-holdfast-content-encoding " +
        "x-holdfast-crc32 x-holdfast-error x-holdfast-modified-at-ms x-holdfast-outcome x-holdfast-request-id x-holdfast-version",
    );
  });

  test("what one side gathered, the other gets, message for message", () => {
    const [out, incoming] = [toServer(), atServer()];
    assert.deepEqual(incoming.open(messageOf(out, requests)), requests);
    assert.equal(out.bytes, 0);
    assert.deepEqual(incoming.open(messageOf(out, [{ kind: "alive" }])), [{ kind: "alive" }]);
    const back = new IncomingMessages(serverFrameCodec, keys.toClient);
    assert.deepEqual(
      back.open(messageOf(new OutgoingMessages(serverFrameCodec, keys.toClient), answers)),
      answers,
    );
  });

  test("a message counts once, in its place, in its direction, and under its own keys", () => {
    const out = toServer();
    const [first, second] = [messageOf(out, requests), messageOf(out, requests)];
    const incoming = atServer();
    incoming.open(first);
    assert.throws(() => incoming.open(first), /out of its turn/);
    assert.throws(() => atServer().open(second), /out of its turn/);
    for (const foreign of [
      keys.toClient,
      streamKeys(sha256, "Secret", "00ff", hello).toServer,
      streamKeys(sha256, "secret", "01ff", hello).toServer,
      streamKeys(
        sha256,
        "secret",
        "00ff",
        encodeStreamHello({ ...decodeStreamHello(hello), bodyBytesMax: 1 }),
      ).toServer,
    ])
      assert.throws(() => new IncomingMessages(clientFrameCodec, foreign).open(first), /match its seal/);
  });

  test("a message with any bit changed, and any piece of one, is refused", () => {
    const whole = messageOf(toServer(), requests);
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const changed = new Uint8Array(whole);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => atServer().open(changed), DecodeError);
    }
    for (let bytes = 0; bytes < whole.length; bytes++)
      assert.throws(() => atServer().open(whole.subarray(0, bytes)), DecodeError);
  });

  test("messages and a hello of a later version are refused by name", () => {
    const message = messageOf(toServer(), requests);
    message[0] = 2;
    assert.throws(() => atServer().open(message), UnsupportedVersionError);
    const later = new Uint8Array(hello);
    later[0] = 2;
    assert.throws(() => decodeStreamHello(later), UnsupportedVersionError);
  });

  test("frames of bytes that mean nothing end in DecodeError, whatever they are", () => {
    const random = seededRandom(1);
    const sample = new ByteWriter();
    for (const frame of requests) clientFrameCodec.write(sample, frame);
    const valid = sample.finish();
    let read = 0;
    for (let round = 0; round < 20_000; round++) {
      const bytes =
        round % 2 === 0
          ? random.bytes(1 + uniform(random, 64))
          : new Uint8Array(valid.subarray(0, valid.length));
      for (let i = round % 3; i >= 0; i--) bytes[uniform(random, bytes.length)] = uniform(random, 256);
      const reader = new ByteReader(bytes);
      try {
        while (reader.remaining > 0) clientFrameCodec.read(reader);
        read++;
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }
    assert.ok(read > 100, "some of them mean something");
  });

  test("random frames come back as they were", () => {
    const random = seededRandom(2);
    const word = (): string =>
      String.fromCodePoint(...Array.from(random.bytes(uniform(random, 90)), (byte) => 0x20 + byte));
    const [out, incoming] = [toServer(), atServer()];
    for (let round = 0; round < 300; round++) {
      const frames = Array.from(
        { length: 1 + uniform(random, 20) },
        (): ClientFrame => ({
          kind: "request",
          id: random.uint32(),
          operation: streamOperations[uniform(random, streamOperations.length)] ?? "readFile",
          bucket: word(),
          key: word(),
          fields: { range: word(), [`x-${uniform(random, 1000)}`]: word() },
          body: random.bytes(uniform(random, 300)),
        }),
      );
      assert.deepEqual(incoming.open(messageOf(out, frames)), frames);
    }
  });

  test("a field that is given twice, has no number or no name is refused", () => {
    const written = (...fields: readonly (readonly [number, string, string])[]): ByteReader => {
      const writer = new ByteWriter();
      writer.varint(fields.length);
      for (const [number, name, value] of fields) {
        writer.u8(number);
        if (number === 0) writer.text(name);
        writer.text(value);
      }
      return new ByteReader(writer.finish());
    };
    assert.throws(() => fieldsCodec.read(written([0, "a", "1"], [0, "a", "2"])), /given twice/);
    assert.throws(() => fieldsCodec.read(written([10, "", "1"], [0, "if-match", "2"])), /given twice/);
    assert.throws(() => fieldsCodec.read(written([200, "", "1"])), /unknown name/);
    for (const name of ["", "A", "a b", "a:b", "__proto__", "a\n"])
      assert.throws(() => fieldsCodec.read(written([0, name, "1"])), /malformed name/);
    const long = fieldsCodec.read.bind(fieldsCodec, written([0, "a", "x".repeat(32 * 1024)]));
    assert.throws(long, /too long/);
    assert.deepEqual(fieldsCodec.read(written([0, "constructor", "1"])), { constructor: "1" });
  });
});
