import assert from "node:assert/strict";
import { test } from "node:test";
import { present } from "@holdfast/base";
import { replaceWhole } from "@holdfast/ports";
import { NodeMachine } from "../../test-support/node-machine.ts";
import { folders } from "../identity.ts";

const place = {
  zone: "b",
  weight: 3,
  addresses: { rpc: "127.0.0.1:9002", http: "127.0.0.1:9001", s3: "127.0.0.1:9000" },
};

async function started(options = {}): Promise<NodeMachine> {
  const machine = new NodeMachine({ shardCount: 2, ...options });
  await machine.start();
  return machine;
}

test("own record: a new node founds its cluster, and is the only one in its layout", async () => {
  const machine = await started({ place });
  const { cluster } = machine.node;
  const [node, ...others] = await machine.run(cluster.nodes());
  assert.equal(others.length, 0);
  assert.deepEqual([node?.zone, node?.weight, node?.addresses], [place.zone, place.weight, place.addresses]);
  assert.equal(node?.id, (await machine.run(machine.node.status())).nodeId);
  const { description, draw } = await machine.run(cluster.layout());
  const { epoch, partitionCount, nodeCount, tables } = description;
  assert.deepEqual([epoch, partitionCount, nodeCount], [1, 1024, 1]);
  assert.deepEqual(
    tables.map(({ width, jointCount, nodes }) => [width, jointCount, nodes[0]?.slotCount]),
    [[1, 0, 1024]],
  );
  assert.match(draw({ columns: 80, ascii: true }), /1 node in 1 zone/);
  await machine.stop();
});

test("own record: a start changes nothing that is known, and tells the cluster of a new address", async () => {
  const machine = await started({ place });
  const before = await machine.run(machine.node.cluster.nodes());
  await machine.stop();
  await machine.start();
  assert.deepEqual(await machine.run(machine.node.cluster.nodes()), before);
  await machine.stop();
  const addresses = { ...place.addresses, http: "10.0.0.1:9001" };
  await machine.start({ place: { addresses } });
  const [moved] = await machine.run(machine.node.cluster.nodes());
  assert.deepEqual(moved, { ...before[0], addresses });
  await machine.stop();
});

test("own record: volumes of another life are refused, and nothing is changed (S11)", async () => {
  const machine = await started();
  await machine.stop();
  const other = new NodeMachine({ shardCount: 2 });
  other.seed = 500;
  await other.start();
  await other.stop();
  const [disk, from] = [machine.disk.mount(), other.disk.mount()];
  for (const name of await machine.run(disk.list(folders.blocks)))
    await machine.run(disk.remove(`${folders.blocks}/${name}`));
  for (const name of await other.run(from.list(folders.blocks))) {
    const bytes = present(other.disk.peek(`${folders.blocks}/${name}`), "a file");
    await machine.run(replaceWhole(disk, folders.blocks, name, bytes));
  }
  machine.loseStore(folders.blockIndex);
  await assert.rejects(machine.start(), {
    code: "DataCorrupt",
    message: /not those that the cluster knows of this node/,
  });
});

test("preview: growth from one node to three says what moves, and changes nothing", async () => {
  const machine = await started();
  const { cluster } = machine.node;
  const join = [
    { zone: "b", weight: 1 },
    { zone: "c", weight: 1 },
  ];
  const proposal = { join, leave: [], weights: [], widths: [1, 3] };
  const { changes, plan, after } = await machine.run(cluster.preview(proposal));
  assert.ok(changes);
  assert.equal(after.description.nodeCount, 3);
  assert.deepEqual(
    after.description.tables.map(({ width, zonesPerPartitionMin }) => [width, zonesPerPartitionMin]),
    [
      [1, 1],
      [3, 3],
    ],
  );
  assert.ok(plan.movedCount >= plan.leastCount && plan.movedCount <= 1.1 * plan.leastCount);
  assert.ok(plan.movedCount > 600 && plan.movedCount < 700, `${plan.movedCount} of 1024`);
  assert.equal((await machine.run(cluster.layout())).description.nodeCount, 1);
  const same = { join: [], leave: [], weights: [], widths: undefined };
  assert.equal((await machine.run(cluster.preview(same))).changes, false);
  await machine.stop();
});

test("preview: what no layout can be is refused by name", async () => {
  const machine = await started();
  const { cluster } = machine.node;
  const nothing = { join: [], leave: [], weights: [], widths: undefined };
  const [node] = await machine.run(cluster.nodes());
  assert.ok(node !== undefined);
  for (const [proposal, code] of [
    [{ ...nothing, widths: [3] }, "InvalidRequest"],
    [{ ...nothing, leave: [node.id] }, "InvalidRequest"],
    [{ ...nothing, join: [{ zone: "", weight: 1 }] }, "InvalidRequest"],
    [{ ...nothing, weights: [{ node: node.id, weight: 1001 }] }, "InvalidRequest"],
    [{ ...nothing, leave: ["0123456789abcdef"] }, "NodeNotFound"],
  ] as const)
    await assert.rejects(machine.run(cluster.preview(proposal)), { code });
  await machine.stop();
});
