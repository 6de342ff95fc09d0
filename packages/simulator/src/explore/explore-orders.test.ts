import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "@holdfast/consensus";
import type { Protocol } from "../group/protocol.ts";
import { multiPaxos, raft } from "../group/protocol.ts";
import type { Explored } from "./explore-orders.ts";
import { exploreOrders } from "./explore-orders.ts";

const budget = { timeouts: 3, proposals: 2, crashes: 1, duplicates: 1 };

function explore<Message extends Envelope>(protocol: Protocol<Message>, deviations: number): Explored {
  return exploreOrders({ protocol, budget, deviations, statesMax: 60_000 });
}

function testOrders<Message extends Envelope>(protocol: Protocol<Message>, ownEntries: number): void {
  const { name } = protocol;

  test(`${name}: three replicas, two proposals and a crash keep the invariants in every order that departs once from the usual`, () => {
    const { failure, isComplete, committedMax, statesCount } = explore(protocol, 1);
    assert.equal(failure, undefined);
    assert.ok(isComplete);
    assert.ok(committedMax >= 2 + ownEntries, "both proposals are committed");
    assert.ok(statesCount > 1000, `${statesCount} states`);
  });

  test(`${name}: nor does a part of the orders that depart twice break them`, () => {
    assert.equal(explore(protocol, 2).failure, undefined);
  });
}

testOrders(raft, 1);
testOrders(multiPaxos, 0);

test("explore: a leader that acknowledges for others is found, with the way to it", () => {
  const hasty: typeof raft = {
    ...raft,
    create: (options) => {
      const replica = raft.create(options);
      // Acknowledgements leave before what they speak of is durable.
      const usual = replica.ready.bind(replica);
      const ready: typeof usual = () => {
        const found = usual();
        if (found?.write === undefined) return found;
        const { replies } = found.write;
        return {
          ...found,
          messages: [...found.messages, ...replies],
          write: { ...found.write, replies: [] },
        };
      };
      return Object.assign(replica, { ready });
    },
  };
  const { failure } = explore(hasty, 2);
  assert.match(failure?.message ?? "", /commits|led by/);
  assert.ok((failure?.way.length ?? 0) > 5);
});
