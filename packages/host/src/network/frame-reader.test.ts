import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Random } from "@holdfast/base";
import { chance, concatBytes, seededRandom, uniform, utf8 } from "@holdfast/base";
import { frameBytesMax } from "@holdfast/ports";
import { nodeA } from "../../test-support/network-nodes.ts";
import { nodeHashing } from "../hashing.ts";
import type { FrameKind } from "./frame-format.ts";
import {
  decodeHello,
  decodeRefusal,
  encodeHello,
  encodeRefusal,
  FrameError,
  greetingBytesMax,
  headBytes,
  preface,
  writeFrameHead,
} from "./frame-format.ts";
import { FrameReader } from "./frame-reader.ts";

interface Frame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

function bytesOf({ kind, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(headBytes + payload.length);
  writeFrameHead(bytes, 0, kind, payload, nodeHashing);
  bytes.set(payload, headBytes);
  return bytes;
}

function randomFrames(random: Random, count: number): Frame[] {
  const kinds = ["hello", "refusal", "message", "alive"] as const;
  return Array.from({ length: count }, () => ({
    kind: kinds[uniform(random, 4)] ?? "alive",
    payload: random.bytes(chance(random, 0.1) ? uniform(random, 200_000) : uniform(random, 300)),
  }));
}

function cut(random: Random, bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + uniform(random, chance(random, 0.5) ? 12 : 70_000);
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

function reading(payloadBytesMax: number = frameBytesMax): { reader: FrameReader; frames: Frame[] } {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    hashing: nodeHashing,
    onFrame: (kind, payload) => frames.push({ kind, payload }),
  });
  reader.payloadBytesMax = payloadBytesMax;
  return { reader, frames };
}

suite("frame reader", () => {
  test("frames come out as they went in, wherever the chunks are cut", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const sent = randomFrames(random, 60);
      const { reader, frames } = reading();
      for (const chunk of cut(random, concatBytes([preface(), ...sent.map(bytesOf)]))) reader.push(chunk);
      assert.deepEqual(frames, sent);
    }
  });

  test("a frame in chunks of one byte each is put together once", () => {
    const payload = seededRandom(1).bytes(2_000_000);
    const { reader, frames } = reading();
    const bytes = concatBytes([preface(), bytesOf({ kind: "message", payload })]);
    for (let at = 0; at < bytes.length; at++) reader.push(bytes.subarray(at, at + 1));
    assert.equal(Buffer.compare(frames[0]?.payload ?? preface(), payload), 0);
  });

  test("a flipped bit is found, and what came before it is right", () => {
    let found = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const random = seededRandom(seed);
      const sent = randomFrames(random, 5);
      const bytes = concatBytes([preface(), ...sent.map(bytesOf)]);
      const at = uniform(random, bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << uniform(random, 8));
      const { reader, frames } = reading();
      try {
        for (const chunk of cut(random, bytes)) reader.push(chunk);
        // A longer length makes the reader wait for bytes that never come.
        assert.ok(frames.length < sent.length);
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
        found++;
      }
      assert.deepEqual(frames, sent.slice(0, frames.length));
    }
    assert.ok(found > 400, `${found} of 500`);
  });

  test("whatever comes, nothing but frames and FrameErrors come out, and no more memory is taken than came", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const random = seededRandom(seed);
      const { reader, frames } = reading(greetingBytesMax);
      const bytes = chance(random, 0.5)
        ? random.bytes(uniform(random, 400))
        : concatBytes([preface(), random.bytes(uniform(random, 400))]);
      try {
        for (const chunk of cut(random, bytes)) reader.push(chunk);
      } catch (error) {
        assert.ok(error instanceof FrameError, String(error));
      }
      assert.deepEqual(frames, []);
    }
  });

  const head = (payloadBytes: number, kind: number): Uint8Array => {
    const bytes = new Uint8Array(headBytes);
    new DataView(bytes.buffer).setUint32(0, payloadBytes);
    bytes[4] = kind;
    return bytes;
  };
  const refused: readonly (readonly [string, FrameError["problem"], Uint8Array])[] = [
    ["another protocol", "not-holdfast", utf8("GET / HTTP/1.1\r\n")],
    ["another version", "other-version", preface(2)],
    ["a length beyond the bound", "too-long", concatBytes([preface(), head(greetingBytesMax + 1, 3)])],
    ["the greatest length there is", "too-long", concatBytes([preface(), head(0xffff_ffff, 3)])],
    ["an unknown kind", "unknown-kind", concatBytes([preface(), head(0, 9)])],
    ["a wrong checksum", "bad-checksum", concatBytes([preface(), head(0, 3)])],
  ];
  for (const [what, problem, bytes] of refused)
    test(`${what} is refused`, () => {
      const { reader } = reading(greetingBytesMax);
      assert.throws(
        () => reader.push(bytes),
        (error) => error instanceof FrameError && error.problem === problem,
      );
    });

  test("a reader that was stopped hands out nothing more, not even of the chunk at hand", () => {
    const frames: FrameKind[] = [];
    const reader: FrameReader = new FrameReader({
      hashing: nodeHashing,
      onFrame: (kind) => {
        frames.push(kind);
        reader.stop();
      },
    });
    const alive = bytesOf({ kind: "alive", payload: new Uint8Array(0) });
    reader.push(concatBytes([preface(), alive, alive]));
    assert.deepEqual(frames, ["alive"]);
  });
});

suite("greetings", () => {
  test("a hello is read back; a malformed one, one of a newer version or with a malformed node id is refused", () => {
    const hello = { clusterId: "c", node: nodeA, incarnation: "0123456789abcdef" };
    const bytes = encodeHello(hello);
    assert.deepEqual(decodeHello(bytes), hello);
    const newer = bytes.slice();
    newer[0] = 2;
    const badNode = Uint8Array.from(bytes, (byte) => (byte === 0x61 ? 0x41 : byte));
    for (const bad of [new Uint8Array(0), bytes.subarray(0, -1), newer, badNode, concatBytes([bytes, newer])])
      assert.throws(() => decodeHello(bad), FrameError);
  });

  test("a refusal is short and printable", () => {
    assert.equal(decodeRefusal(encodeRefusal("no\u0007, no\n")), "no?, no?");
    assert.ok(encodeRefusal("é".repeat(5000)).length <= greetingBytesMax);
    assert.equal(decodeRefusal(Uint8Array.of(0xff)), "without a readable reason");
  });
});
