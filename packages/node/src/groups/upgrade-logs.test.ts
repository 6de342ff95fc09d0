import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, encode, logIndex, present, seededRandom, shardId, utf8, utf8Text } from "@holdfast/base";
import { findBucketByName, noAttributes, unconditional } from "@holdfast/namespace";
import { readWhole, replaceWhole } from "@holdfast/ports";
import { simulatedHashing } from "@holdfast/ports/simulated";
import type { ShardCommand } from "@holdfast/shard";
import { listWriters, shardEntryCodec } from "@holdfast/shard";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { bytesOf, MaintainedMachine } from "../../test-support/maintained-machine.ts";
import { folders } from "../identity.ts";
import { shardGroup, systemGroup } from "./group-ids.ts";

const group = shardGroup(shardId(0));

async function openLog(machine: MaintainedMachine): Promise<WriteAheadLog> {
  const { clock, journal } = machine;
  const disk = machine.disk.mount();
  const ports = { disk, clock, random: seededRandom(9), hashing: simulatedHashing, journal };
  const opened = await machine.run(
    openWriteAheadLog({ ...ports, folder: folders.log, segmentBytes: 256 * 1024, onTornTail: "cut" }),
  );
  return opened.log;
}

/** A stopped node's directory as an earlier version would have left it, with one command in the log that no state has seen. */
async function makeOld(machine: MaintainedMachine, commandOf: () => ShardCommand): Promise<void> {
  const states = new StateStore(machine.store(folders.state).mount(), simulatedHashing);
  const { index, ballot } = states.group(group).applied;
  const log = await openLog(machine);
  const payload = encode(shardEntryCodec, { timeMs: machine.clock.wallMs(), command: commandOf() });
  const entries = [{ index: logIndex(index + 1), ballot, payload }];
  await machine.run(log.append({ group, base: { index, ballot }, entries }));
  await machine.run(log.close());
  const disk = machine.disk.mount();
  const stored = present(await machine.run(readWhole(disk, "identity.json")), "an identity");
  const { consensus: _, ...identity } = JSON.parse(utf8Text(stored)) as Record<string, unknown>;
  const old = utf8(JSON.stringify({ ...identity, format: 1 }));
  await machine.run(replaceWhole(disk, "", "identity.json", old));
}

test("upgrade: what only the log of an earlier version holds is applied, and the node goes on with it", async () => {
  const machine = new MaintainedMachine({ shardCount: 1 });
  await machine.start();
  await machine.bucket("b-1");
  const kept = bytesOf(1, 100_000);
  await machine.put("kept", kept);
  await machine.stop();
  const states = new StateStore(machine.store(folders.state).mount(), simulatedHashing);
  const bucket = present(findBucketByName(states.group(systemGroup), "b-1"), "a bucket").id;
  const [writer] = listWriters(states.group(group));
  await makeOld(machine, () => ({
    kind: "operate",
    writer: present(writer, "a writer").writer,
    attempt: attempt(50),
    progress: { floor: present(writer, "a writer").floor, closed: [] },
    operation: {
      kind: "putFile",
      bucket,
      key: "logged",
      condition: unconditional,
      attributes: noAttributes,
      bytes: 1,
      etag: "0cc175b9c0f1b6a831c399e269772661",
      checksum: undefined,
      body: { kind: "inline", body: utf8("a"), crc32: simulatedHashing.crc32(utf8("a")) },
    },
  }));
  await machine.start();
  assert.equal(utf8Text(await machine.run(machine.readFile("logged"))), "a");
  assert.deepEqual(await machine.run(machine.readFile("kept")), kept);
  await machine.put("new", utf8("b"));
  machine.crash("power-loss");
  await machine.start();
  assert.deepEqual([...(await machine.list())].sort(), ["kept", "logged", "new"]);
  const identity = present(
    await machine.run(readWhole(machine.disk.mount(), "identity.json")),
    "an identity",
  );
  assert.partialDeepStrictEqual(JSON.parse(utf8Text(identity)), { format: 2, consensus: "raft" });
  await machine.stop();
});

test("upgrade: one that power loss cuts short anywhere is finished by the next start", async () => {
  for (let events = 0; events < 60; events += 3) {
    const machine = new MaintainedMachine({ shardCount: 1 });
    await machine.start();
    await machine.stop();
    await makeOld(machine, () => ({ kind: "openWriter", node: "n", run: "r" }));
    const starting = machine.start().catch(() => undefined);
    for (let i = 0; i < events; i++) await machine.simulation.step();
    machine.crash("power-loss");
    void starting;
    const node = await machine.start();
    await machine.bucket("b-1");
    assert.deepEqual(
      (await machine.run(node.files.listBuckets())).map(({ name }) => name),
      ["b-1"],
    );
    await machine.stop();
  }
});

test("upgrade: a log of an earlier version that ends before what was applied is refused (S9)", async () => {
  const machine = new MaintainedMachine({ shardCount: 1 });
  await machine.start();
  await machine.bucket("b-1");
  await machine.put("a", utf8("a"));
  await machine.stop();
  await makeOld(machine, () => ({ kind: "openWriter", node: "n", run: "r" }));
  const log = await openLog(machine);
  await machine.run(log.forget(group));
  await machine.run(log.close());
  await assert.rejects(machine.start(), { code: "DataCorrupt", message: /log files are missing/ });
});
