/** Three hosts on simulated disks and a simulated switch, both protocols: what a group does from election to power loss. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { StoreError } from "@holdfast/base";
import { group1, protocolNames, World } from "../test-support/world.ts";

for (const protocol of protocolNames)
  suite(`group host: ${protocol}`, () => {
    test("append: a command resolves with its index and result when it is applied at the leader", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const { index, result } = await world.append(leader, "a");
      assert.equal(result, `a at ${index}`);
      assert.deepEqual(leader.machine().texts, ["a"]);
      await world.until(() => world.nodes.every((node) => node.machine().texts.length === 1), "all apply it");
    });

    test("append: a follower refuses it and names the leader", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const [follower] = world.others(leader);
      assert.ok(follower !== undefined);
      await world.until(() => follower.group().leader !== undefined, "the follower knows it");
      const error = await world.failure(follower.group().append(new Uint8Array([1])));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "Unavailable");
      assert.equal(error.outcome, "not-applied");
      assert.equal(error.fields["leaderNode"], leader.id);
      assert.deepEqual(follower.host.leader(group1)?.node, leader.id);
    });

    test("read barrier: a follower's state shows what was acknowledged before", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      for (const text of ["a", "b", "c"]) {
        await world.append(leader, text);
        for (const node of world.nodes) {
          await world.run(node.group().readBarrier());
          assert.equal(node.machine().texts.at(-1), text);
        }
      }
    });
  });
