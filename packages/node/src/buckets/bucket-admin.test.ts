import assert from "node:assert/strict";
import { test } from "node:test";
import { noAttributes } from "@holdfast/namespace";
import {
  bytesOf,
  incoming,
  MaintainedMachine,
  problemsOf,
  summaryOf,
} from "../../test-support/maintained-machine.ts";

const partsCount = 1100;

/** An upload of more parts than one entry takes away. */
async function withLargeUpload(): Promise<MaintainedMachine> {
  const machine = new MaintainedMachine();
  await machine.start();
  await machine.bucket("b-1");
  const { files } = machine.node;
  const place = { bucket: "b-1", key: "large" };
  const checksum = { checksumAlgorithm: undefined, checksumScope: undefined };
  const { uploadId } = await machine.run(
    files.createUpload({ ...place, attributes: noAttributes, ...checksum }),
  );
  const body = bytesOf(1, 20);
  const store = (part: number): Promise<unknown> =>
    files.storePart({ ...place, uploadId, part, body: incoming(body) });
  for (let first = 1; first <= partsCount; first += 100)
    await machine.run(Promise.all(Array.from({ length: 100 }, (_, i) => store(first + i))));
  return machine;
}

test("a bucket whose uploads go in several entries is gone after a crash between them, and nothing of it is left (S17)", async () => {
  for (const events of [3, 12]) {
    const machine = await withLargeUpload();
    const deleting = machine.node.files.deleteBucket("b-1");
    deleting.catch(() => undefined);
    for (let i = 0; i < events; i++) await machine.simulation.step();
    machine.crash("kill");
    await machine.start();
    assert.deepEqual(problemsOf(await machine.fsck()), []);
    const names = (await machine.run(machine.node.files.listBuckets())).map(({ name }) => name);
    // Where the crash came before the deletion was decided, it is still there, with all of its upload.
    if (names.length > 0) await machine.run(machine.node.files.deleteBucket("b-1"));
    for (let i = 0; i < 4; i++) {
      await machine.simulation.runFor(1500);
      await machine.run(machine.node.collect());
    }
    const summary = summaryOf(await machine.fsck());
    assert.equal(summary.unreferencedBytes + summary.awaitingErasureBytes, 0);
    assert.equal((await machine.run(machine.node.status())).blocks.blocks, 0);
    await machine.stop();
  }
});
