import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeId, shardId } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import { shardGroup } from "../groups/group-ids.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { NodeCluster } from "./node-cluster.ts";
import { shardsHere } from "./shards-here.ts";

const self = nodeId("a".repeat(16));
const other = nodeId("b".repeat(16));

interface World {
  /** Of the one shard, here. */
  readonly replica?: { readonly votes: "now" | "until the change ends" | "never"; readonly isLed: boolean };
  readonly home?: { readonly node: typeof self; readonly incarnation: string };
}

function stateOf({ replica, home }: World): string | undefined {
  const own = replicaId(7);
  const nobody = { voters: [replicaId(1)], outgoing: [], learners: [own] };
  const membership = {
    now: { ...nobody, voters: [own] },
    "until the change ends": { ...nobody, outgoing: [own] },
    never: nobody,
  };
  const log = {
    replica:
      replica === undefined
        ? undefined
        : {
            replica: own,
            leader: replica.isLed ? { replica: own, node: self } : undefined,
            status: () => ({ membership: membership[replica.votes] }),
          },
  };
  const places = home === undefined ? [] : [{ replica: 7, ...home }];
  const cluster = {
    map: {
      groups: [{ group: shardGroup(shardId(0)), nextReplica: 8, places }],
      nodes: new Map([[self, { logIncarnation: "life-2" }]]),
    },
    shards: [{ log }],
  } as unknown as NodeCluster;
  const shards = [{ id: shardId(0), log, hasWriter: true }] as unknown as readonly ShardReplica[];
  return shardsHere(cluster, self, shards)[0]?.state;
}

test("shards here: one that votes is served while it knows a leader, also to the end of a joint change", () => {
  for (const votes of ["now", "until the change ends"] as const) {
    assert.equal(stateOf({ replica: { votes, isLed: true } }), "served");
    assert.equal(stateOf({ replica: { votes, isLed: false } }), "leaderless");
  }
});

test("shards here: nobody counts on a replica that does not vote, led or not", () => {
  for (const isLed of [true, false]) assert.equal(stateOf({ replica: { votes: "never", isLed } }), undefined);
});

test("shards here: a replica that was given to this node's log, as it lives now, is missed", () => {
  assert.equal(stateOf({ home: { node: self, incarnation: "life-2" } }), "missing");
  assert.equal(stateOf({ home: { node: self, incarnation: "life-1" } }), undefined);
  assert.equal(stateOf({ home: { node: other, incarnation: "life-2" } }), undefined);
  assert.equal(stateOf({}), undefined);
});
