import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeId, Random } from "@holdfast/base";
import { epoch, present, seededRandom, shardId, uniform } from "@holdfast/base";
import type { Layout, PartitionId } from "@holdfast/ring";
import {
  hasJointPartitions,
  isJoint,
  isNewOwner,
  jointPartitions,
  nextLayout,
  nodesOf,
  tableOfWidth,
} from "@holdfast/ring";
import { Cluster, id, layoutOf, members, shards } from "../../test-support/cluster-harness.ts";
import type { SystemCommand } from "../system-command.ts";
import { closedEverywhere } from "./closed-epochs.ts";
import { completedSlotsTable } from "./cluster-keys.ts";
import { owedSlots } from "./completed-slots.ts";
import { findLayout, layoutChange } from "./layouts.ts";

interface Owed {
  readonly node: NodeId;
  readonly width: number;
  readonly partition: PartitionId;
}

/** A cluster of so many nodes in the middle of the change by which the others come in. */
function changing(before: number, after: number, widths: readonly number[]): readonly [Cluster, Layout] {
  const cluster = Cluster.founded();
  for (let number = 2; number <= after; number++) cluster.admit(number);
  const first = layoutOf(before, widths);
  cluster.layOut(first);
  const next = nextLayout(first, members(after), widths);
  assert.equal(next.kind, "changed");
  cluster.layOut(next.layout);
  return [cluster, next.layout];
}

function layoutNow(cluster: Cluster): Layout {
  return present(findLayout(cluster.state), "a layout");
}

/** Every slot that a new owner has to complete. */
function owed(layout: Layout): readonly Owed[] {
  return layout.tables.flatMap((table) =>
    jointPartitions(table).flatMap((partition) =>
      layout.members.flatMap(({ id: node }, member) =>
        isNewOwner(table, partition, member) ? [{ node, width: table.width, partition }] : [],
      ),
    ),
  );
}

/** Those that are kept. */
function reports(cluster: Cluster): readonly unknown[] {
  return [...cluster.state.range({ from: completedSlotsTable, to: Uint8Array.of(0x2a) })];
}

/** Fisher and Yates. */
function shuffled<T>(random: Random, values: readonly T[]): readonly T[] {
  const rest = [...values];
  return values.map(() => present(rest.splice(uniform(random, rest.length), 1)[0], "one that is left"));
}

function report({ node, width, partition }: Owed, change: number): SystemCommand {
  return { kind: "completeSlots", node, width, partitions: [partition], change: epoch(change) };
}

describe("closed epochs", () => {
  it("are known everywhere when the last shard is told, in whatever order, and never go back", () => {
    const [cluster, layout] = changing(1, 3, [1]);
    const close = (number: number, ...closed: readonly number[]): SystemCommand => ({
      kind: "closeShards",
      epoch: epoch(number),
      shards: closed.map((shard) => shardId(shard)),
    });
    assert.equal(closedEverywhere(cluster.state, shards), 0);
    cluster.apply(close(layout.epoch, 1));
    assert.equal(closedEverywhere(cluster.state, shards), 0, "shard 0 has closed nothing");
    cluster.apply(close(1, 0, 1));
    assert.equal(closedEverywhere(cluster.state, shards), 1);
    cluster.apply(close(layout.epoch, 0));
    assert.equal(closedEverywhere(cluster.state, shards), layout.epoch);
    cluster.ignored(close(1, 0, 1));
  });

  it("are those of layouts that exist, of shards that exist", () => {
    const [cluster, layout] = changing(1, 3, [1]);
    const close = (number: number, shard: number): SystemCommand => ({
      kind: "closeShards",
      epoch: epoch(number),
      shards: [shardId(shard)],
    });
    assert.equal(cluster.refused(close(layout.epoch + 1, 0)), "InvalidRequest");
    assert.equal(cluster.refused(close(layout.epoch, shards)), "InvalidRequest");
  });
});

describe("a layout change", () => {
  it("ends exactly when all new owners have reported, in any order of their reports", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const [cluster, layout] = changing(3, 6, [1, 3]);
      cluster.close(layout);
      const all = shuffled(random, owed(layout));
      const missing = new Set(all);
      for (const each of all) {
        missing.delete(each);
        assert.equal(cluster.apply(report(each, layout.epoch)).kind, "done");
        cluster.ignored(report(each, layout.epoch));
        const now = layoutNow(cluster);
        for (const table of now.tables)
          for (const partition of jointPartitions(present(tableOfWidth(layout, table.width), "a table"))) {
            const owners = [...missing].filter(
              (one) => one.width === table.width && one.partition === partition,
            );
            assert.equal(isJoint(table, partition), owners.length > 0, `partition ${partition}`);
          }
        for (const { id: node } of now.members) {
          const left = owedSlots(cluster.state, now, node).flatMap(({ width, partitions }) =>
            partitions.map((partition) => `${width} ${partition}`),
          );
          const own = [...missing].filter((one) => one.node === node);
          assert.deepEqual(
            left.toSorted(),
            own.map(({ width, partition }) => `${width} ${partition}`).toSorted(),
          );
        }
        assert.equal(layoutChange(cluster.state), missing.size > 0 ? layout.epoch : undefined);
      }
      const now = layoutNow(cluster);
      assert.ok(!hasJointPartitions(now) && now.epoch > layout.epoch);
      for (const [i, table] of now.tables.entries()) assert.deepEqual(table.slots, layout.tables[i]?.slots);
      assert.deepEqual(reports(cluster), []);
    }
  });

  it("goes on under the epoch at which it began, however many of its partitions are stable already", () => {
    const [cluster, layout] = changing(1, 3, [1]);
    cluster.close(layout);
    const [first, ...others] = owed(layout);
    assert.ok(first !== undefined);
    cluster.apply(report(first, layout.epoch));
    assert.equal(layoutNow(cluster).epoch, layout.epoch + 1);
    assert.equal(layoutChange(cluster.state), layout.epoch);
    assert.equal(closedEverywhere(cluster.state, shards), layout.epoch, "nothing has to be closed again");
    for (const each of others) cluster.apply(report(each, layout.epoch));
    assert.ok(!hasJointPartitions(layoutNow(cluster)));
  });

  it("takes no report before every shard has closed the epochs before it (S3)", () => {
    const [cluster, layout] = changing(1, 3, [1]);
    const [first] = owed(layout);
    assert.ok(first !== undefined);
    assert.equal(cluster.refused(report(first, layout.epoch)), "InvalidRequest");
    cluster.apply({ kind: "closeShards", epoch: layout.epoch, shards: [shardId(0)] });
    assert.equal(cluster.refused(report(first, layout.epoch)), "InvalidRequest");
    cluster.close(layout);
    assert.equal(cluster.apply(report(first, layout.epoch)).kind, "done");
    assert.equal(layoutNow(cluster).epoch, layout.epoch + 1);
  });

  it("does not count a report of an earlier change, though the same node gets the same partition again", () => {
    const [cluster, earlier] = changing(1, 3, [1]);
    cluster.close(earlier);
    const late = owed(earlier);
    const [first] = late;
    assert.ok(first !== undefined);
    cluster.apply({ kind: "revertLayout", change: earlier.epoch });
    for (const each of late) cluster.ignored(report(each, earlier.epoch));
    const again = nextLayout(layoutNow(cluster), members(3), [1]);
    assert.equal(again.kind, "changed");
    cluster.layOut(again.layout);
    cluster.close(again.layout);
    assert.ok(
      owed(again.layout).some(({ node, partition }) => node === first.node && partition === first.partition),
    );
    for (const each of late) cluster.ignored(report(each, earlier.epoch));
    assert.deepEqual(layoutNow(cluster), again.layout);
  });

  it("does not count what was reported before it was taken back", () => {
    const [cluster, earlier] = changing(3, 5, [3]);
    cluster.close(earlier);
    const table = present(tableOfWidth(earlier, 3), "a table");
    const both = jointPartitions(table).find(
      (partition) => owed(earlier).filter((each) => each.partition === partition).length === 2,
    );
    const [one, other] = owed(earlier).filter(({ partition }) => partition === both);
    assert.ok(one !== undefined && other !== undefined, "two new owners of one partition");
    cluster.apply(report(one, earlier.epoch));
    cluster.apply({ kind: "revertLayout", change: earlier.epoch });
    assert.deepEqual(reports(cluster), []);
    const again = nextLayout(layoutNow(cluster), members(5), [3]);
    assert.equal(again.kind, "changed");
    cluster.layOut(again.layout);
    cluster.close(again.layout);
    cluster.apply(report(other, again.layout.epoch));
    const now = present(tableOfWidth(layoutNow(cluster), 3), "a table");
    assert.ok(isJoint(now, one.partition), "the first owner's report was of another change");
  });

  it("counts no report of a node that gets no slot, of no partition, of no table", () => {
    const [cluster, layout] = changing(1, 3, [1]);
    cluster.close(layout);
    const [first] = owed(layout);
    assert.ok(first !== undefined);
    for (const wrong of [
      { ...first, node: id(1) },
      { ...first, node: id(9) },
      { ...first, width: 3 },
      { ...first, partition: 16 as PartitionId },
    ])
      cluster.ignored(report(wrong, layout.epoch));
  });

  it("holds up the next one, until it is over or taken back", () => {
    const [cluster, layout] = changing(3, 4, [1, 3]);
    const before = layoutOf(3, [1, 3]);
    const next = cluster.setLayout({ ...layout, epoch: epoch(layout.epoch + 1) });
    assert.equal(cluster.refused(next), "LayoutConflict");
    const wrong = { kind: "revertLayout", change: epoch(layout.epoch - 1) } as const;
    assert.equal(cluster.refused(wrong), "LayoutConflict");
    const revert = { kind: "revertLayout", change: layout.epoch } as const;
    assert.equal(cluster.apply(revert).kind, "done");
    cluster.ignored(revert);
    const now = layoutNow(cluster);
    assert.ok(!hasJointPartitions(now) && now.epoch > layout.epoch);
    assert.equal(layoutChange(cluster.state), undefined);
    for (const [i, table] of now.tables.entries())
      for (const partition of jointPartitions(present(layout.tables[i], "a table")))
        assert.deepEqual(
          nodesOf(now, table, partition),
          nodesOf(before, present(before.tables[i], "a table"), partition),
        );
  });
});
