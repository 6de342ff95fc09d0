/** Messages as bytes, of every protocol: what is written is read again, and nothing else is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { DecodeError, decode, encode, seededRandom, UnsupportedVersionError, uniform } from "@holdfast/base";
import type { MessageRange } from "../test-support/random-fields.ts";
import * as multiPaxosMessages from "../test-support/random-multipaxos-message.ts";
import * as raftMessages from "../test-support/random-raft-message.ts";
import type { Envelope } from "./contract/consensus.ts";
import { replicaId } from "./contract/replica-id.ts";
import type { ConsensusProtocol } from "./protocols.ts";
import { multiPaxosProtocol, raftProtocol } from "./protocols.ts";

const range: MessageRange = { to: replicaId(1), ballot: 5, index: 300, isWild: false };

interface Messages<Message extends Envelope> {
  readonly kindsCount: number;
  readonly random: (random: Random, range: MessageRange) => Message;
  /** How a message with entries begins, up to their number. */
  readonly head: readonly number[];
}

testCodec(raftProtocol, {
  kindsCount: raftMessages.messageKinds.length,
  random: raftMessages.randomRaftMessage,
  head: [1, 5, 2, 1, 1, 0, 0],
});
testCodec(multiPaxosProtocol, {
  kindsCount: multiPaxosMessages.messageKinds.length,
  random: multiPaxosMessages.randomMultiPaxosMessage,
  head: [1, 5, 2, 1, 1, 0],
});

function testCodec<Message extends Envelope>(
  { name, messageCodec }: ConsensusProtocol<Message>,
  { kindsCount, random: randomMessage, head }: Messages<Message>,
): void {
  const sampleMessages = (seed: number, count: number): readonly Message[] => {
    const random = seededRandom(seed);
    return Array.from({ length: count }, () => randomMessage(random, range));
  };

  /** The message that the bytes stand for, or undefined when they are refused with a DecodeError. */
  const read = (bytes: Uint8Array): Message | undefined => {
    try {
      return decode(messageCodec, bytes);
    } catch (error) {
      if (error instanceof DecodeError) return undefined;
      throw error;
    }
  };

  test(`message codec of ${name}: messages of every kind are read as they were written`, () => {
    for (const message of sampleMessages(1, 5_000))
      assert.deepEqual(decode(messageCodec, encode(messageCodec, message)), message);
  });

  test(`message codec of ${name}: a message that was cut off anywhere is refused`, () => {
    for (const message of sampleMessages(2, 300)) {
      const bytes = encode(messageCodec, message);
      for (let length = 0; length < bytes.length; length++)
        assert.equal(read(bytes.subarray(0, length)), undefined);
    }
  });

  test(`message codec of ${name}: a message with something behind it is refused`, () => {
    for (const message of sampleMessages(3, 300))
      assert.equal(read(Uint8Array.of(...encode(messageCodec, message), 0)), undefined);
  });

  test(`message codec of ${name}: every other version is refused by its number`, () => {
    const [message] = sampleMessages(4, 1);
    assert.ok(message);
    const bytes = encode(messageCodec, message).slice();
    for (let version = 0; version < 256; version++) {
      if (version === 1) continue;
      bytes[0] = version;
      assert.throws(() => decode(messageCodec, bytes), UnsupportedVersionError);
    }
  });

  test(`message codec of ${name}: damaged messages are refused, or are other messages with an encoding of their own`, () => {
    const random = seededRandom(5);
    for (const message of sampleMessages(5, 5_000)) {
      const bytes = encode(messageCodec, message).slice();
      for (let flips = 1 + uniform(random, 3); flips > 0; flips--)
        bytes[uniform(random, bytes.length)] = uniform(random, 256);
      const found = read(bytes);
      if (found !== undefined) assert.deepEqual(encode(messageCodec, found), bytes);
    }
  });

  test(`message codec of ${name}: any bytes are refused or a message`, () => {
    const random = seededRandom(6);
    for (let i = 0; i < 50_000; i++) {
      const bytes = random.bytes(uniform(random, 40));
      // Most begin as a message does: otherwise the version alone would decide.
      if (bytes.length > 1 && i % 10 > 0) bytes.set([1, 1 + uniform(random, kindsCount)]);
      const found = read(bytes);
      if (found !== undefined) assert.deepEqual(encode(messageCodec, found), bytes);
    }
  });

  test(`message codec of ${name}: a number of entries that the bytes cannot hold is refused before anything is allocated`, () => {
    assert.equal(read(Uint8Array.of(...head, 0xff, 0xff, 0xff, 0xff, 0x0f, 1)), undefined);
  });
}
