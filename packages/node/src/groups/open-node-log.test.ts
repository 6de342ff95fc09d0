import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, logIndex, seededRandom, shardId, utf8 } from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { NodeMachine } from "../../test-support/node-machine.ts";
import { folders } from "../identity.ts";
import { shardGroup } from "./group-ids.ts";
import type { OpenedLog } from "./open-node-log.ts";
import { openNodeLog } from "./open-node-log.ts";

const group = shardGroup(shardId(0));
const entriesCount = 6;

function open(machine: NodeMachine): Promise<OpenedLog> {
  const { clock, journal } = machine;
  const disk = machine.disk.mount();
  const ports = { disk, clock, random: seededRandom(9), hashing: simulatedHashing, journal };
  const choices = { segmentBytes: 256 * 1024, reserveBytes: undefined, isAlone: false };
  return machine.run(openNodeLog(ports, choices));
}

/** A log whose entries are all applied and flushed elsewhere; each is in a batch of its own. */
async function fillLog(machine: NodeMachine): Promise<void> {
  const { log } = await open(machine);
  await machine.run(log.append({ group, base: { index: logIndex(0), ballot: ballot(0) }, entries: [] }));
  for (let i = 1; i <= entriesCount; i++) {
    const payload = utf8("x".repeat(100));
    await machine.run(log.append({ group, entries: [{ index: logIndex(i), ballot: ballot(1), payload }] }));
  }
  log.checkpoint(group, logIndex(entriesCount));
  await machine.run(log.close());
}

function damageTold({ journal }: NodeMachine): readonly unknown[] {
  return journal.lines.filter(({ event }) => event === "log batches damaged").map(({ fields }) => fields);
}

test("rot in a batch of which nothing counts any more takes nothing from a group, and is told", async () => {
  const machine = new NodeMachine();
  await fillLog(machine);
  assert.deepEqual(damageTold(machine), []);
  const [segment = ""] = await machine.run(machine.disk.list(folders.log));
  // A batch of one entry, behind its header.
  machine.disk.rot(`${folders.log}/${segment}`, 4096 * (2 + 3) + 100);
  const { log } = await open(machine);
  assert.equal(log.group(group)?.suspicion, undefined);
  assert.deepEqual(damageTold(machine), [{ damagedBatches: 1, headersLost: false }]);
  await machine.run(log.close());
});

test("a log that is whole says nothing of damage", async () => {
  const machine = new NodeMachine();
  await fillLog(machine);
  const { log } = await open(machine);
  await machine.run(log.close());
  assert.deepEqual(damageTold(machine), []);
});
