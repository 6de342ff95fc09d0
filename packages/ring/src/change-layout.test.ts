import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import {
  anyMembers,
  completed,
  firstLayout,
  idOfName,
  layoutOf,
  member,
  members,
} from "../test-support/clusters.ts";
import { completePartitions, createLayout, nextLayout, revertPartitions } from "./change-layout.ts";
import { describeTable } from "./describe-layout.ts";
import type { Layout } from "./layout.ts";
import {
  checkLayout,
  hasJointPartitions,
  idOf,
  isJoint,
  isNamed,
  jointPartitions,
  nodeAt,
  nodesOf,
  oldNodeAt,
  slotOf,
  tableOfWidth,
} from "./layout.ts";
import type { Member } from "./member.ts";
import { planMovement } from "./movement-plan.ts";
import { partitionId } from "./partition.ts";

const five = members("aX bX cY dY eZ", [1, 2, 1, 3, 1]);

function drained(all: readonly Member[], ...names: readonly string[]): readonly Member[] {
  return all.map((one) => (names.includes(one.id) ? { ...one, draining: true } : one));
}

describe("the first layout", () => {
  test("has one stable table for each width", () => {
    const layout = firstLayout(five, [3, 1]);
    assert.equal(layout.epoch, 1);
    assert.deepEqual(
      layout.tables.map(({ width, slots }) => [width, slots.length]),
      [
        [1, 64],
        [3, 192],
      ],
    );
    assert.ok(!hasJointPartitions(layout));
  });

  test("is the same for members in any order", () => {
    fc.assert(
      fc.property(
        anyMembers({ min: 3, max: 15 }).chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length }),
          ),
        ),
        ([all, shuffled]) => {
          const layout = firstLayout(all, [3]);
          assert.deepEqual(firstLayout(shuffled, [3]), layout);
          const joining = member("joining-one", "z1", 2);
          assert.deepEqual(nextLayout(layout, [...shuffled, joining]), nextLayout(layout, [joining, ...all]));
        },
      ),
      { numRuns: 30 },
    );
  });

  test("refuses too few nodes, and members that are none", () => {
    const create = (all: readonly Member[], widths: readonly number[]): unknown =>
      createLayout({ partitionBits: 6, shardCount: 16, members: all, widths });
    assert.deepEqual(create(members("az bz"), [1, 3]), {
      kind: "too-few-nodes",
      width: 3,
      placeableCount: 2,
    });
    assert.deepEqual(create(drained(members("az bz cz"), "a"), [3]), {
      kind: "too-few-nodes",
      width: 3,
      placeableCount: 2,
    });
    assert.deepEqual(create(drained(members("az"), "a"), []), {
      kind: "too-few-nodes",
      width: 1,
      placeableCount: 0,
    });
    const bad = [
      [],
      [member("a"), member("b"), member("a")],
      [member("a", "z", 0)],
      [member("a", "z", 1001)],
      [member("a", "z", 1.5)],
      [member("a", "")],
      [member("")],
      [member("é".repeat(33))],
      [member("\ud800")],
      Array.from({ length: 1025 }, (_, i) => member(`n${i}`)),
    ];
    for (const all of bad) assert.equal((create(all, [1]) as { kind: string }).kind, "invalid-members");
  });
});

describe("a change", () => {
  const clusterAndChange = fc.record({
    before: anyMembers({ min: 3, max: 12 }),
    joining: anyMembers({ min: 0, max: 3 }),
    leaving: fc.nat(),
    draining: fc.nat(),
    weights: fc.nat(),
  });

  test("keeps rows sound, stays in place, balances, keeps zones, and moves at most 1.1 of the least", () => {
    fc.assert(
      fc.property(clusterAndChange, ({ before, joining, leaving, draining, weights }) => {
        const from = firstLayout(before, [1, 3]);
        const stay = before
          .filter((_, i) => i !== leaving % 20)
          .map((one, i) => ({
            ...one,
            draining: i === draining % 20,
            weight: i === weights % 20 ? 1 + (one.weight % 4) : one.weight,
          }));
        const wanted = [...stay, ...joining.filter(({ id }) => !before.some((one) => one.id === id))];
        fc.pre(wanted.filter((one) => !one.draining).length >= 3);
        const to = layoutOf(nextLayout(from, wanted));
        const plan = planMovement(from, to);
        assert.ok(plan.movedCount <= 1.1 * plan.leastCount);
        for (const [i, table] of to.tables.entries()) {
          assert.equal(describeTable(to, table).zoneRuleBrokenCount, 0);
          for (let p = 0; p < 64; p++)
            for (let slot = 0; slot < table.width; slot++)
              assert.equal(
                idOf(to, oldNodeAt(table, partitionId(p), slot)),
                idOf(from, nodeAt(from.tables[i] ?? table, partitionId(p), slot)),
              );
        }
        // Asked again when complete, nothing moves.
        const again = layoutOf(nextLayout(completed(to), wanted));
        assert.equal(planMovement(to, again).movedCount, 0);
        assert.deepEqual(
          again.members.map(({ id }) => id),
          wanted.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1)),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("a node that leaves stays as draining until no slot names it, and is dropped by the change after that", () => {
    const from = firstLayout(five, [3]);
    const rest = five.filter(({ id }) => id !== "b");
    const to = layoutOf(nextLayout(from, rest));
    const b = to.members.findIndex(({ id }) => id === "b");
    assert.equal(to.members[b]?.draining, true);
    assert.ok(isNamed(to, b));
    const done = completed(to);
    assert.ok(!isNamed(done, b));
    const dropped = layoutOf(nextLayout(done, rest));
    assert.deepEqual(
      dropped.members.map(({ id }) => id),
      ["a", "c", "d", "e"],
    );
    assert.equal(nextLayout(dropped, rest).kind, "unchanged");
    assert.equal(dropped.epoch, done.epoch + 1);
  });

  test("is refused while partitions are joint, with their number", () => {
    const to = layoutOf(nextLayout(firstLayout(five, [1, 3]), [...five, member("f", "Z")]));
    const jointCount = to.tables.reduce((sum, table) => sum + jointPartitions(table).length, 0);
    assert.deepEqual(nextLayout(to, five), { kind: "joint-partitions", jointCount });
    assert.equal(nextLayout(completed(to), five).kind, "changed");
  });

  test("that would leave fewer nodes than slots is refused, and the layout stays", () => {
    const from = firstLayout(members("aX bY cZ"), [3]);
    assert.deepEqual(nextLayout(from, members("aX bY")), {
      kind: "too-few-nodes",
      width: 3,
      placeableCount: 2,
    });
  });

  test("a cluster grows from one node to three: what was written with one replica keeps its table", () => {
    const one = firstLayout(members("aX"), [1]);
    const three = layoutOf(nextLayout(one, members("aX bY cZ"), [1, 3]));
    const [narrow, wide] = [tableOfWidth(three, 1), tableOfWidth(three, 3)];
    assert.ok(narrow !== undefined && wide !== undefined);
    assert.ok(Math.abs(jointPartitions(narrow).length - (64 * 2) / 3) < 1);
    assert.deepEqual(jointPartitions(wide), [], "nothing is stored with three replicas yet");
    assert.deepEqual(new Set(nodesOf(three, wide, partitionId(7))), new Set(["a", "b", "c"]));
  });

  test("weights and zones count as soon as they change", () => {
    const from = firstLayout(members("aX bX cY"), [2]);
    const to = layoutOf(nextLayout(from, members("aX bZ cY", [1, 1, 2])));
    const [table] = to.tables;
    assert.ok(table !== undefined);
    assert.equal(describeTable(to, table).zonesPerPartitionMin, 2);
    assert.equal(describeTable(to, table).zones.length, 3);
  });
});

describe("joint partitions", () => {
  const from = firstLayout(five, [1, 3]);
  const to = layoutOf(nextLayout(from, [...five, member("f", "Z", 2)]));
  const wide = tableOfWidth(to, 3) ?? assert.fail();
  const joint = jointPartitions(wide);

  test("have old and new slots; nodes that stay keep their slot", () => {
    assert.ok(joint.length > 0);
    for (const partition of joint) {
      assert.ok(isJoint(wide, partition));
      for (let slot = 0; slot < 3; slot++) {
        const node = nodeAt(wide, partition, slot);
        const stays = [0, 1, 2].some((other) => oldNodeAt(wide, partition, other) === node);
        if (stays) assert.equal(oldNodeAt(wide, partition, slot), node);
        assert.equal(slotOf(wide, partition, node), slot);
      }
    }
    assert.equal(slotOf(wide, partitionId(0), 99), -1);
  });

  test("complete one by one, each a new epoch; twice is once", () => {
    const [first, second] = joint;
    assert.ok(first !== undefined && second !== undefined);
    const one = completePartitions(to, 3, [first]);
    checkLayout(one);
    assert.equal(one.epoch, to.epoch + 1);
    const table = tableOfWidth(one, 3) ?? assert.fail();
    assert.deepEqual(jointPartitions(table), joint.slice(1));
    assert.equal(completePartitions(one, 3, [first]), one);
    assert.equal(completePartitions(to, 7, [first]), to, "no table of this width");
    const all = completed(to);
    assert.ok(!hasJointPartitions(all));
    const done = tableOfWidth(all, 3) ?? assert.fail();
    assert.deepEqual(done.slots, wide.slots);
    assert.equal(done.slots, done.oldSlots, "kept once");
    assert.throws(() => completePartitions(to, 3, [partitionId(64)]), /a partition of the layout/);
  });

  test("can be taken back: the old slots stand again, and another change can be made", () => {
    const back = [1, 3].reduce((layout: Layout, width) => {
      const table = tableOfWidth(layout, width) ?? assert.fail();
      return revertPartitions(layout, width, jointPartitions(table));
    }, to);
    checkLayout(back);
    assert.ok(!hasJointPartitions(back));
    assert.equal(planMovement(from, back).movedCount, 0);
    assert.equal(
      layoutOf(nextLayout(back, five)).members.length,
      5,
      "who never held anything is gone at once",
    );
    assert.ok(back.members.some(({ id }) => id === idOfName("f")));
  });
});
