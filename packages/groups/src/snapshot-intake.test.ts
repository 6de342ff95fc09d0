import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, logIndex, utf8 } from "@holdfast/base";
import { emptyMembership } from "@holdfast/consensus";
import { ListMachine, ListStore } from "../test-support/list-machine.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";

const position = { index: logIndex(7), ballot: ballot(1), membership: emptyMembership };

async function* body(): AsyncIterable<Uint8Array> {
  yield utf8('["a",');
  yield utf8('"b"]');
}

async function* brokenBody(): AsyncIterable<Uint8Array> {
  yield utf8("[");
  throw new Error("the other side has gone");
}

test("snapshot intake: one that the core takes for its base becomes the state when it is installed", async () => {
  const machine = new ListMachine(new ListStore());
  const intake = new SnapshotIntake(machine);
  const answer = await intake.receive({ position, body: body() }, () => {
    intake.onBase(position);
    return "taken";
  });
  assert.equal(answer, "taken");
  assert.ok(intake.isBusy, "no other one before it is installed");
  assert.deepEqual(machine.texts, []);
  void intake.install();
  assert.ok(intake.isInstalling);
  await intake.settled();
  assert.deepEqual(machine.texts, ["a", "b"]);
  assert.equal(intake.isBusy || intake.isInstalling, false);
});

test("snapshot intake: one that the core does not need is dropped", async () => {
  const store = new ListStore();
  const intake = new SnapshotIntake(new ListMachine(store));
  assert.equal(await intake.receive({ position, body: body() }, () => "taken"), "taken");
  assert.equal(store.staged, undefined);
  assert.equal(intake.isBusy, false);
});

test("snapshot intake: one that breaks off leaves room for the next", async () => {
  const store = new ListStore();
  const intake = new SnapshotIntake(new ListMachine(store));
  await assert.rejects(
    intake.receive({ position, body: brokenBody() }, () => assert.fail("it is not whole")),
  );
  assert.equal(store.staged, undefined);
  assert.equal(intake.isBusy, false);
});
