/** Any old message may come again at any time (test-support/replayed-group.ts). */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplayedGroup } from "../test-support/replayed-group.ts";
import type { TranscriptProtocol } from "../test-support/transcript/protocol.ts";
import { multiPaxosTranscripts, raftTranscripts } from "../test-support/transcript/protocol.ts";
import type { Envelope } from "./contract/consensus.ts";

testReplay(raftTranscripts);
testReplay(multiPaxosTranscripts);

function testReplay<Message extends Envelope>(protocol: TranscriptProtocol<Message>): void {
  test(`honest replay: with any old message again at any time, a ${protocol.name} group stays safe and answers no read too early`, () => {
    let committed = 0;
    let readsAnswered = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const group = new ReplayedGroup(protocol, seed);
      for (let i = 0; i < 4_000; i++) group.step();
      committed += group.committed;
      readsAnswered += group.readsAnswered;
    }
    // Otherwise nothing was put to the test.
    assert.ok(committed > 1_500, `${committed} entries committed`);
    assert.ok(readsAnswered > 500, `${readsAnswered} reads answered`);
  });
}
