/** Raft's messages as bytes: what is written is read again, and nothing else is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, decode, encode, seededRandom, UnsupportedVersionError, uniform } from "@holdfast/base";
import { RandomRaftMessages } from "../../test-support/random-raft-message.ts";
import { replicaId } from "../contract/replica-id.ts";
import { raftMessageCodec } from "./message-codec.ts";
import type { RaftMessage } from "./messages.ts";

const range = { to: replicaId(1), ballot: 5, index: 300, isWild: false };

function sampleMessages(seed: number, count: number): readonly RaftMessage[] {
  const messages = new RandomRaftMessages(seededRandom(seed));
  return Array.from({ length: count }, () => messages.message(range));
}

/** The message that the bytes stand for, or undefined when they are refused with a DecodeError. */
function read(bytes: Uint8Array): RaftMessage | undefined {
  try {
    return decode(raftMessageCodec, bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

test("message codec: messages of every kind are read as they were written", () => {
  for (const message of sampleMessages(1, 5_000))
    assert.deepEqual(decode(raftMessageCodec, encode(raftMessageCodec, message)), message);
});

test("message codec: a message that was cut off anywhere is refused", () => {
  for (const message of sampleMessages(2, 300)) {
    const bytes = encode(raftMessageCodec, message);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(read(bytes.subarray(0, length)), undefined);
  }
});

test("message codec: a message with something behind it is refused", () => {
  for (const message of sampleMessages(3, 300))
    assert.equal(read(Uint8Array.of(...encode(raftMessageCodec, message), 0)), undefined);
});

test("message codec: every other version is refused by its number", () => {
  const [message] = sampleMessages(4, 1);
  assert.ok(message);
  const bytes = encode(raftMessageCodec, message).slice();
  for (let version = 0; version < 256; version++) {
    if (version === 1) continue;
    bytes[0] = version;
    assert.throws(() => decode(raftMessageCodec, bytes), UnsupportedVersionError);
  }
});

test("message codec: damaged messages are refused, or are other messages with an encoding of their own", () => {
  const random = seededRandom(5);
  for (const message of sampleMessages(5, 5_000)) {
    const bytes = encode(raftMessageCodec, message).slice();
    for (let flips = 1 + uniform(random, 3); flips > 0; flips--)
      bytes[uniform(random, bytes.length)] = uniform(random, 256);
    const found = read(bytes);
    if (found !== undefined) assert.deepEqual(encode(raftMessageCodec, found), bytes);
  }
});

test("message codec: any bytes are refused or a message", () => {
  const random = seededRandom(6);
  for (let i = 0; i < 50_000; i++) {
    const bytes = random.bytes(uniform(random, 40));
    // Most begin as a message does: otherwise the version alone would decide.
    if (bytes.length > 1 && i % 10 > 0) bytes.set([1, 1 + uniform(random, 13)]);
    const found = read(bytes);
    if (found !== undefined) assert.deepEqual(encode(raftMessageCodec, found), bytes);
  }
});

test("message codec: a number of entries that the bytes cannot hold is refused before anything is allocated", () => {
  const head = [1, 5, 2, 1, 1, 0, 0];
  assert.equal(read(Uint8Array.of(...head, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)), undefined);
});
