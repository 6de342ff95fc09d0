/** What a leader knows of a follower: by rule, and against whatever replies come in whatever order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { logIndex, seededRandom, uniform } from "@holdfast/base";
import { defaultConsensusLimits } from "../contract/consensus.ts";
import { replicaId } from "../contract/replica-id.ts";
import { FollowerProgress } from "./follower-progress.ts";

const limits = { ...defaultConsensusLimits, inflightMessagesMax: 3, inflightBytesMax: 1_000 };

function progress(nextIndex: number): FollowerProgress {
  return new FollowerProgress(replicaId(2), logIndex(nextIndex), limits);
}

/** In replicate, with everything up to `matchIndex` acknowledged. */
function replicating(matchIndex: number): FollowerProgress {
  const follower = progress(matchIndex + 1);
  follower.onAccepted(logIndex(matchIndex));
  return follower;
}

function places({ mode, matchIndex, nextIndex }: FollowerProgress): readonly [string, number, number] {
  return [mode, matchIndex, nextIndex];
}

test("follower progress: in probe one message is on its way, until it is answered", () => {
  const follower = progress(5);
  assert.equal(follower.isPaused, false);
  follower.onSent(logIndex(7), 100);
  assert.equal(follower.isPaused, true);
  assert.deepEqual(places(follower), ["probe", 0, 5]);
  follower.onAccepted(logIndex(7));
  assert.deepEqual(places(follower), ["replicate", 7, 8]);
});

test("follower progress: a rejected probe steps back, to where the logs may agree", () => {
  const follower = progress(9);
  follower.onSent(logIndex(9), 1);
  assert.equal(follower.onRejected(logIndex(8), logIndex(3)), true);
  assert.deepEqual([...places(follower), follower.isPaused], ["probe", 0, 4, false]);
});

test("follower progress: the answer to another probe moves nothing", () => {
  const follower = progress(9);
  assert.equal(follower.onRejected(logIndex(5), logIndex(3)), false);
  assert.deepEqual(places(follower), ["probe", 0, 9]);
});

test("follower progress: a probe never steps back behind what was acknowledged", () => {
  const follower = replicating(4);
  follower.onUnreachable();
  follower.onRejected(logIndex(4), logIndex(0));
  assert.deepEqual(places(follower), ["probe", 4, 5]);
});

test("follower progress: in replicate entries go ahead of their acknowledgements, as many messages as allowed", () => {
  const follower = replicating(1);
  for (let i = 2; i <= 4; i++) {
    assert.equal(follower.isPaused, false);
    follower.onSent(logIndex(i), 10);
  }
  assert.deepEqual([...places(follower), follower.isPaused], ["replicate", 1, 5, true]);
  follower.onAccepted(logIndex(2));
  assert.equal(follower.isPaused, false);
});

test("follower progress: as many bytes as allowed, and the message that reaches the bound", () => {
  const follower = replicating(1);
  follower.onSent(logIndex(2), 999);
  assert.equal(follower.isPaused, false);
  follower.onSent(logIndex(3), 999);
  assert.equal(follower.isPaused, true);
  follower.onAccepted(logIndex(3));
  assert.equal(follower.isPaused, false);
});

test("follower progress: one acknowledgement frees all that it covers", () => {
  const follower = replicating(1);
  for (let i = 2; i <= 4; i++) follower.onSent(logIndex(i), 10);
  follower.onAccepted(logIndex(4));
  for (let i = 5; i <= 7; i++) {
    assert.equal(follower.isPaused, false);
    follower.onSent(logIndex(i), 10);
  }
});

test("follower progress: a sign of life lets one message pass a full window", () => {
  const follower = replicating(1);
  for (let i = 2; i <= 4; i++) follower.onSent(logIndex(i), 10);
  follower.onHeartbeatReply(logIndex(9));
  assert.equal(follower.isPaused, false);
  follower.onSent(logIndex(5), 10);
  assert.equal(follower.isPaused, true);
});

test("follower progress: a sign of life asks where it stands as long as it lacks something", () => {
  const follower = replicating(4);
  follower.onHeartbeatReply(logIndex(4));
  assert.equal(follower.needsProbe, false);
  follower.onHeartbeatReply(logIndex(5));
  assert.equal(follower.needsProbe, true);
});

test("follower progress: a rejection in replicate goes back to probing behind what was acknowledged", () => {
  const follower = replicating(4);
  follower.onSent(logIndex(8), 10);
  assert.equal(follower.onRejected(logIndex(4), logIndex(2)), false);
  assert.equal(follower.onRejected(logIndex(7), logIndex(6)), true);
  assert.deepEqual(places(follower), ["probe", 4, 5]);
});

test("follower progress: while a snapshot is streamed nothing is sent", () => {
  const follower = replicating(4);
  follower.becomeSnapshot();
  follower.onHeartbeatReply(logIndex(9));
  assert.deepEqual([follower.isPaused, follower.needsProbe], [true, false]);
});

test("follower progress: a delivered snapshot is followed by a probe where the leader's window begins", () => {
  const follower = replicating(4);
  follower.becomeSnapshot();
  follower.onSnapshotEnded("delivered", logIndex(20));
  assert.deepEqual([...places(follower), follower.isPaused], ["probe", 4, 21, false]);
});

test("follower progress: a failed snapshot is followed by a probe, after a sign of life", () => {
  const follower = replicating(4);
  follower.becomeSnapshot();
  follower.onSnapshotEnded("failed", logIndex(20));
  assert.deepEqual([...places(follower), follower.isPaused], ["probe", 4, 5, true]);
  follower.onHeartbeatReply(logIndex(30));
  assert.equal(follower.isPaused, false);
});

test("follower progress: a probe that would hold no entries is sent all the same, at a sign of life", () => {
  const follower = replicating(4);
  follower.becomeSnapshot();
  follower.onSnapshotEnded("delivered", logIndex(20));
  follower.onHeartbeatReply(logIndex(20));
  assert.equal(follower.needsProbe, true);
});

test("follower progress: an acknowledgement that is news ends the wait for a snapshot", () => {
  const follower = replicating(4);
  follower.becomeSnapshot();
  follower.onAccepted(logIndex(4));
  assert.equal(follower.mode, "snapshot");
  follower.onAccepted(logIndex(20));
  assert.deepEqual(places(follower), ["replicate", 20, 21]);
});

test("follower progress: what it lost counts no longer (S10)", () => {
  const follower = replicating(9);
  follower.onLost(logIndex(5));
  assert.deepEqual(places(follower), ["probe", 0, 6]);
});

test("follower progress: match never falls and next never passes the log, whatever comes", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const lastIndex = logIndex(30);
    const follower = progress(30);
    const index = (): ReturnType<typeof logIndex> => logIndex(uniform(random, 31));
    let match = 0;
    const events: readonly (() => void)[] = [
      () => follower.onAccepted(index()),
      () => follower.onRejected(index(), index()),
      () => follower.onHeartbeatReply(lastIndex),
      () => follower.onUnreachable(),
      () => {
        if (follower.isPaused || follower.nextIndex > lastIndex) return;
        follower.onSent(logIndex(follower.nextIndex + uniform(random, 31 - follower.nextIndex)), 50);
      },
      () => {
        if (uniform(random, 5) === 0) follower.becomeSnapshot();
      },
      () => follower.onSnapshotEnded(uniform(random, 2) === 0 ? "failed" : "delivered", index()),
    ];
    for (let i = 0; i < 200; i++) {
      events[uniform(random, events.length)]?.();
      follower.checkInvariants(lastIndex);
      assert.ok(follower.matchIndex >= match);
      match = follower.matchIndex;
    }
  }
});
