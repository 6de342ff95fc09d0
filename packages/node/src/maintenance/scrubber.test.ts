import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { blockBytes, bytesOf, MaintainedMachine } from "../../test-support/maintained-machine.ts";
import { loadScrubRecord, storeScrubRecord } from "./scrub-record.ts";
import type { ScrubStatus } from "./scrubber.ts";

const weekMs = 7 * 24 * 3_600_000;
const large = bytesOf(1, 3 * blockBytes);

/** `emptyMs`: for how long it runs before anything is stored. */
async function filled(options = {}, emptyMs: number = 0): Promise<MaintainedMachine> {
  const machine = new MaintainedMachine(options);
  await machine.start();
  await machine.simulation.runFor(emptyMs);
  await machine.bucket("b-1");
  for (let i = 0; i < 4; i++) await machine.put(`f-${i}`, bytesOf(10 + i, 2 * blockBytes));
  return machine;
}

async function status(machine: MaintainedMachine): Promise<ScrubStatus> {
  return (await machine.run(machine.node.status())).scrub;
}

describe("scrub", () => {
  test("one that is asked for reads every block and reports a healthy store as such", async () => {
    const machine = await filled();
    const result = await machine.run(machine.node.scrub());
    assert.deepEqual([result.blocks, result.bytes, result.damagedBlocks], [8, 8 * blockBytes, 0]);
    assert.deepEqual(await status(machine), { running: undefined, last: result });
    await machine.stop();
    await machine.start();
    assert.deepEqual((await status(machine)).last, result, "a restart remembers it");
    await machine.stop();
  });

  test("a rotted block is found, in status and journal, with all files that share it", async () => {
    const machine = await filled();
    await machine.copy("f-2", "copy");
    await machine.rotBlock(bytesOf(12, 2 * blockBytes).subarray(blockBytes));
    const result = await machine.run(machine.node.scrub());
    assert.equal(result.damagedBlocks, 1);
    assert.deepEqual(
      result.damaged.map(({ files }) => [...files].sort()),
      [["b-1/copy", "b-1/f-2"]],
    );
    const line = machine.journal.lines.find(({ event }) => event === "scrub found a damaged block");
    assert.match(String(line?.fields["files"]), /b-1\/f-2/);
    await assert.rejects(machine.run(machine.readFile("f-2")), { code: "DataCorrupt" });
    await machine.stop();
  });

  test("a rotted block that nobody needs any more is nobody's loss", async () => {
    const machine = await filled();
    await machine.rotBlock(bytesOf(11, 2 * blockBytes));
    await machine.remove("f-1");
    assert.equal((await machine.run(machine.node.scrub())).damagedBlocks, 0);
    await machine.stop();
  });

  test("a value of the state that rotted is found (S12)", async () => {
    const machine = await filled();
    await machine.stop();
    machine.rotStateValue();
    await machine.start();
    const { stateProblems } = await machine.run(machine.node.scrub());
    assert.equal(stateProblems.length, 1);
    assert.match(stateProblems[0] ?? "", /^A value of group 1 does not match its checksum/);
    machine.crash("kill");
  });

  test("by itself it keeps to its rate, survives a restart where it was, and rests until its week is over", async () => {
    // Two blocks a second.
    const options = { scrubBytesPerSecondMin: 2 * blockBytes, scrubPeriodMs: weekMs };
    const machine = await filled(options, 1000);
    // The first pass found an empty store; the next one is due a week later.
    assert.equal((await status(machine)).last?.blocks, 0);
    await machine.simulation.runFor(weekMs - 61_000);
    assert.equal((await status(machine)).last?.blocks, 0);
    await machine.simulation.runFor(62_000);
    const running = (await status(machine)).running;
    assert.ok(running !== undefined && running.blocks > 0 && running.blocks < 8, JSON.stringify(running));
    await machine.stop();
    await machine.start();
    const again = (await status(machine)).running;
    assert.ok(again !== undefined && again.blocks >= running.blocks, "it goes on where it was");
    assert.equal(again.startedAtMs, running.startedAtMs);
    await machine.simulation.runFor(4000);
    const { last } = await status(machine);
    assert.deepEqual([last?.blocks, last?.startedAtMs], [8, running.startedAtMs]);
    await machine.stop();
  });

  test("who asks for one does not get the half of one that was under way", async () => {
    const machine = await filled({ scrubBytesPerSecondMin: blockBytes, scrubPeriodMs: 1000 });
    await machine.simulation.runFor(3000);
    const before = (await status(machine)).running;
    assert.ok(before !== undefined && before.blocks > 0);
    const askedAtMs = machine.clock.wallMs();
    const [first, second] = await machine.run(Promise.all([machine.node.scrub(), machine.node.scrub()]));
    assert.equal(first.blocks, 8);
    assert.ok(first.startedAtMs >= askedAtMs && before.startedAtMs < askedAtMs, "it began anew");
    assert.equal(first, second, "two who ask share it");
    await machine.stop();
  });

  test("one that is under way ends with the node, and says so to who waits", async () => {
    const machine = await filled();
    await machine.put("more", large);
    const scrub = machine.node.scrub();
    const refused = assert.rejects(scrub, { code: "Stopped" });
    await machine.stop();
    await machine.run(refused);
  });

  test("a record that is lost or damaged begins anew", async () => {
    const machine = await filled();
    await machine.run(machine.node.scrub());
    await machine.stop();
    const load = (): ReturnType<typeof loadScrubRecord> =>
      machine.run(loadScrubRecord(machine.disk, simulatedHashing));
    const record = await load();
    assert.equal(record.last?.blocks, 8);
    machine.disk.rot("scrub");
    assert.deepEqual(await load(), { pass: undefined, last: undefined });
    await machine.run(storeScrubRecord(machine.disk, simulatedHashing, record));
    assert.deepEqual(await load(), record);
    await machine.run(machine.disk.remove("scrub"));
    await machine.start();
    await machine.stop();
  });
});
