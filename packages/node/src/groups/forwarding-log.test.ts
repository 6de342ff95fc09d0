import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError, utf8 } from "@holdfast/base";
import { TextGroup } from "../../test-support/text-group.ts";

test("forwarding: a command is applied whichever node it is given to, and answered with the leader's result", async () => {
  const world = await TextGroup.start();
  const [leader, one, two] = await world.roles();
  const results = [];
  for (const node of [leader, one, two, one]) results.push(await world.append(node, `of ${node.id}`));
  for (const [i, { index, result }] of results.entries()) {
    const node = [leader, one, two, one][i];
    assert.equal(result, `of ${node?.id ?? ""} at ${index}`);
  }
  assert.deepEqual(
    world.texts(leader),
    [leader, one, two, one].map(({ id }) => `of ${id}`),
  );
});

test("forwarding: what one node was answered, another one reads behind its barrier", async () => {
  const world = await TextGroup.start();
  const [, one, two] = await world.roles();
  for (let i = 0; i < 20; i++) {
    await world.append(one, `${i}`);
    await world.run(Promise.resolve(two.log.readBarrier()));
    assert.equal(world.texts(two).at(-1), `${i}`);
  }
});

test("forwarding: a command that finds no leader waits for the next one, and is applied once", async () => {
  const world = await TextGroup.start();
  const [leader, one, two] = await world.roles();
  world.kill(leader);
  const appends = [one, two].map((node) =>
    node.log.append(utf8(`of ${node.id}`)).catch((error: unknown) => error),
  );
  const answers = await world.run(Promise.all(appends));
  // One that had left for the dead leader is unknown; what was never taken finds the new one.
  for (const answer of answers)
    if (answer instanceof Error) assert.ok(answer instanceof StoreError && answer.code === "OutcomeUnknown");
  await world.append(one, "behind");
  for (const node of [one, two]) {
    await world.until(() => world.texts(node).at(-1) === "behind", "both have it");
    assert.equal(new Set(world.texts(node)).size, world.texts(node).length);
  }
  assert.ok(world.texts(one).length >= 1 + answers.filter((answer) => !(answer instanceof Error)).length);
});

test("forwarding: while no leader can be, it ends as not applied within its time", async () => {
  const world = await TextGroup.start({ waitMs: 3000 });
  const [leader, one, two] = await world.roles();
  world.kill(leader);
  world.kill(two);
  await world.simulation.runFor(5000);
  const beganMs = world.simulation.nowMs;
  const error = await world.failure(one.log.append(utf8("lost")));
  assert.ok(error instanceof StoreError);
  assert.deepEqual([error.code, error.outcome, error.retryable], ["Unavailable", "not-applied", true]);
  const tookMs = world.simulation.nowMs - beganMs;
  assert.ok(tookMs >= 2500 && tookMs < 4000, `${tookMs} ms`);
  assert.deepEqual(world.texts(one), []);
});

test("forwarding: a leader that falls silent with a command makes it unknown, and nothing is asked twice", async () => {
  const world = await TextGroup.start({ answerWaitMs: 1000 });
  const [leader, one] = await world.roles();
  const appending = one.log.append(utf8("maybe"));
  await world.until(() => leader.group.status().lastIndex > 1, "the leader has it");
  world.switch.pause(leader.id);
  leader.clock.suspend();
  const error = await world.failure(appending);
  assert.ok(error instanceof StoreError);
  assert.deepEqual([error.code, error.outcome], ["OutcomeUnknown", "unknown"]);
  await world.append(one, "next");
  assert.ok(world.texts(one).filter((each) => each === "maybe").length <= 1);
});

test("forwarding: a leader that failed with a command says unknown, and the command is not offered again", async () => {
  const world = await TextGroup.start();
  const [leader, one] = await world.roles();
  leader.machine.disk.failNextSync();
  const error = await world.failure(one.log.append(utf8("maybe")));
  assert.ok(error instanceof StoreError);
  assert.equal(error.outcome, "unknown");
  await world.append(one, "next");
  assert.ok(world.texts(one).filter((each) => each === "maybe").length <= 1);
});

test("forwarding: a command that the group refuses is refused for the one who asked, with the leader's words", async () => {
  const world = await TextGroup.start();
  const [leader, one] = await world.roles();
  const tooLong = new Uint8Array(5 * 1024 * 1024);
  const there = await world.failure(leader.log.append(tooLong));
  // What no leader would take is not sent to one.
  world.switch.pause(leader.id);
  const beganMs = world.simulation.nowMs;
  const here = await world.failure(one.log.append(tooLong));
  assert.ok(world.simulation.nowMs - beganMs < 50, "at once");
  assert.ok(there instanceof StoreError && here instanceof StoreError);
  assert.deepEqual([here.code, here.message, here.outcome], [there.code, there.message, there.outcome]);
});
