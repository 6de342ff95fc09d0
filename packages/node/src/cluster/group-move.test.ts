import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, logIndex, nodeId } from "@holdfast/base";
import type { FollowerStatus } from "@holdfast/consensus";
import { replicaId } from "@holdfast/consensus";
import { systemGroup } from "../groups/group-ids.ts";
import type { GroupView } from "./group-move.ts";
import { isCaughtUp, nextMove } from "./group-move.ts";

const nodes = [nodeId("a"), nodeId("b"), nodeId("c")];

function viewWith(followers: readonly FollowerStatus[]): GroupView {
  const membership = { voters: [replicaId(1)], outgoing: [], learners: [replicaId(2), replicaId(3)] };
  const places = nodes.map((node, i) => ({ replica: i + 1, node, incarnation: `log-${node}` }));
  const at = logIndex(5);
  const indexes = { commitIndex: at, appliedIndex: at, durableIndex: at, lastIndex: at };
  const status = { id: replicaId(1), role: "leader", ballot: ballot(1), leader: replicaId(1) } as const;
  return {
    status: { ...status, membership, suspect: false, ...indexes },
    followers,
    record: { group: systemGroup, nextReplica: 4, places },
    lifeOf: (node) => `log-${node}`,
  };
}

function follower(id: number, matchIndex: number, mode: FollowerStatus["mode"]): FollowerStatus {
  const [match, next] = [logIndex(matchIndex), logIndex(matchIndex + 1)];
  return { id: replicaId(id), matchIndex: match, nextIndex: next, mode, recentlyActive: true };
}

test("group move: a learner that has every entry has caught up, though it is probed since its connection broke", () => {
  const view = viewWith([follower(2, 5, "replicate"), follower(3, 5, "probe")]);
  const move = nextMove(view, { voters: nodes, learners: [], leader: undefined });
  assert.equal(move.kind, "change");
});

test("group move: a learner that was never heard of has not caught up", () => {
  assert.equal(isCaughtUp(viewWith([follower(2, 0, "probe")]), replicaId(2)), false);
});
