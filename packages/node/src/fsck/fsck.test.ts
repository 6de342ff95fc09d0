import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, present } from "@holdfast/base";
import { noAttributes, numbersKey } from "@holdfast/namespace";
import {
  blockBytes,
  bytesOf,
  incoming,
  MaintainedMachine,
  problemsOf,
  summaryOf,
} from "../../test-support/maintained-machine.ts";
import type { FsckEvent, ProblemKind } from "./findings.ts";

const large = bytesOf(1, 2 * blockBytes + 17);

/** Changes that nobody applied are in no digest. */
function withoutDigest(
  problems: ReturnType<typeof problemsOf>,
): readonly { readonly problem: ProblemKind; readonly files: readonly string[] }[] {
  return problems.filter(({ problem }) => problem !== "state-digest");
}

async function filled(): Promise<MaintainedMachine> {
  const machine = new MaintainedMachine();
  await machine.start();
  await machine.bucket("b-1");
  await machine.put("small", bytesOf(2, 100));
  await machine.put("large", large);
  for (let i = 0; i < 4; i++) await machine.copy("large", `copy-${i}`);
  return machine;
}

describe("fsck", () => {
  test("a healthy store of every kind of record is clean, shallow and deep", async () => {
    const machine = await filled();
    const { files } = machine.node;
    const place = { bucket: "b-1", key: "in-parts", attributes: noAttributes };
    const checksum = { checksumAlgorithm: undefined, checksumScope: undefined };
    await machine.run(files.createUpload({ ...place, ...checksum })).then((open) =>
      machine.run(
        files.storePart({
          bucket: "b-1",
          key: "in-parts",
          uploadId: open.uploadId,
          part: 1,
          body: incoming(large),
        }),
      ),
    );
    await machine.put("replaced", large.subarray(0, blockBytes));
    await machine.put("replaced", bytesOf(3, 10));
    for (const deep of [false, true]) {
      const summary = summaryOf(await machine.fsck({ deep }));
      assert.equal(summary.clean, true);
      // "large" and the part of the open upload, of three blocks each.
      assert.deepEqual([summary.files, summary.contents, summary.blocks], [7, 2, 6]);
      assert.equal(summary.bytes, 2 * large.length);
      assert.equal(summary.awaitingErasureBytes, blockBytes);
    }
    await machine.stop();
  });

  test("under load nothing is reported", async () => {
    const options = { readerGraceMs: 0.1, collectIntervalMs: 0.5, checkpointIntervalMs: 5 };
    const machine = new MaintainedMachine(options, { min: 0.02, max: 0.3 });
    await machine.start();
    await machine.bucket("b-1");
    let over = false;
    const body = bytesOf(4, 20_000);
    const client = async (number: number): Promise<void> => {
      for (let i = 0; !over; i++) {
        const key = `f-${number}-${i % 3}`;
        await machine.storeFile(key, body.subarray(0, 17_000 + number));
        const source = { bucket: "b-1", key };
        const condition = { ifMatch: undefined, ifNoneMatch: undefined };
        const copy = { source, bucket: "b-1", key: `c-${number}`, condition, attributes: undefined };
        await machine.node.files.copyFile(copy);
        if (i % 2 === 0) await machine.node.files.deleteFile({ bucket: "b-1", key, condition });
      }
    };
    const load = Promise.all([client(1), client(2), client(3)]);
    let rounds = 0;
    for (let i = 0; i < 20; i++) {
      await machine.simulation.runFor(2);
      const within = i % 3 === 0 ? { bucket: "b-1", prefix: "" } : undefined;
      const events = await machine.fsck({ deep: i % 2 === 0, within });
      assert.deepEqual(problemsOf(events), []);
      rounds += summaryOf(events).contents > 0 ? 1 : 0;
    }
    over = true;
    await machine.run(load);
    assert.ok(rounds > 0, "checks met contents");
    await machine.stop();
  });

  test("contents that die and are erased in the midst of a check are no loss", async () => {
    const machine = await filled();
    for (let i = 0; i < 4; i++) await machine.put(`gone-${i}`, large);
    const events = machine.node.fsck({ deep: true })[Symbol.asyncIterator]();
    const next = (): Promise<IteratorResult<FsckEvent>> => machine.run(events.next());
    let event = await next();
    // Of the slice that is being checked, the first content's blocks were read.
    while (event.done !== true && !(event.value.kind === "progress" && event.value.stage === "contents"))
      event = await next();
    for (const key of await machine.list()) await machine.remove(key);
    for (let i = 0; i < 5; i++) {
      await machine.simulation.runFor(1500);
      await machine.run(machine.node.collect());
    }
    assert.equal((await machine.run(machine.node.status())).blocks.blocks, 0);
    const rest: FsckEvent[] = [];
    for (event = await next(); event.done !== true; event = await next()) rest.push(event.value);
    assert.deepEqual(problemsOf(rest), []);
    assert.equal(summaryOf(rest).clean, true);
    await machine.stop();
  });

  test("a missing block is found and names all files that share it", async () => {
    const machine = await filled();
    await machine.stop();
    const [first] = await machine.blocksOf("large");
    await machine.tamperBlocks(async (blocks) => {
      await blocks.erase(present(first, "a block").content);
    });
    await machine.start();
    const names = ["b-1/copy-0", "b-1/copy-1", "b-1/copy-2", "b-1/copy-3", "b-1/large"];
    assert.deepEqual(problemsOf(await machine.fsck()), [{ problem: "block-missing", files: names }]);
    const within = { bucket: "b-1", prefix: "copy-2" };
    assert.deepEqual(problemsOf(await machine.fsck({ within })), [
      { problem: "block-missing", files: ["b-1/copy-2"] },
    ]);
    assert.deepEqual(problemsOf(await machine.fsck({ within: { bucket: "b-1", prefix: "small" } })), []);
    await machine.stop();
  });

  test("a block that rotted is found by reading deep", async () => {
    const machine = await filled();
    await machine.rotBlock(large.subarray(blockBytes, 2 * blockBytes));
    assert.deepEqual(problemsOf(await machine.fsck()), []);
    const problems = problemsOf(await machine.fsck({ deep: true }));
    assert.deepEqual(
      problems.map(({ problem }) => problem),
      ["block-damaged"],
    );
    assert.ok(problems[0]?.files.includes("b-1/large"));
    await machine.stop();
  });

  test("blocks that are whole, but not those of the part, are found by checksum or by length", async () => {
    const cases: readonly (readonly [number, ProblemKind])[] = [
      [blockBytes, "part-checksum"],
      [blockBytes - 1, "block-length"],
    ];
    for (const [length, expected] of cases) {
      const machine = await filled();
      await machine.stop();
      const ids = await machine.blocksOf("large");
      const other = bytesOf(99, length);
      await machine.tamperBlocks(async (blocks) => {
        const bodies = await Promise.all(ids.map(async (id) => (await blocks.read(id)).body));
        await blocks.erase(present(ids[0], "a block").content);
        for (const [i, id] of ids.entries()) {
          const body = i === 1 ? other : present(bodies[i], "body");
          await blocks.put(id, body, crc32(body));
        }
      });
      await machine.start();
      assert.deepEqual(
        problemsOf(await machine.fsck()).map(({ problem }) => problem),
        [expected],
      );
      await machine.stop();
    }
  });

  test("a version without its content is found", async () => {
    const machine = await filled();
    await machine.stop();
    await machine.tamper((shards, find) => {
      const { body } = find("large").version;
      assert.equal(body.kind, "content");
      if (body.kind !== "content") return;
      present(shards[body.content.home], "home").remove(
        numbersKey(0x05, body.content.writer, body.content.attempt),
      );
    });
    await machine.start();
    const problems = withoutDigest(problemsOf(await machine.fsck()));
    assert.equal(problems.filter(({ problem }) => problem === "version-without-content").length, 5);
    assert.ok(
      problems.some(
        ({ problem, files }) => problem === "version-without-content" && files[0] === "b-1/large",
      ),
    );
    await machine.stop();
  });

  test("a reference that no version holds is found", async () => {
    const machine = await filled();
    await machine.put("alone", large.subarray(0, 20_000));
    await machine.stop();
    await machine.tamper((_, find) => {
      const { shard, key } = find("alone");
      shard.remove(key);
    });
    await machine.start();
    const problems = withoutDigest(problemsOf(await machine.fsck()));
    assert.deepEqual(problems, [{ problem: "reference-without-version", files: [] }]);
    await machine.stop();
  });

  test("a copy whose version is lost is found by the reference that it held", async () => {
    const machine = await filled();
    await machine.stop();
    await machine.tamper((_, find) => {
      const { shard, key } = find("copy-1");
      shard.remove(key);
    });
    await machine.start();
    const problems = withoutDigest(problemsOf(await machine.fsck()));
    assert.deepEqual(problems, [{ problem: "reference-without-version", files: [] }]);
    await machine.stop();
  });

  test("a version whose reference is lost is found, and the miscounted set", async () => {
    const machine = await filled();
    await machine.stop();
    await machine.tamper((shards) => {
      for (const shard of shards) {
        const references = [...shard.range({ from: numbersKey(0x06), to: numbersKey(0x07) })];
        if (references.length > 0) shard.remove(present(references[0], "reference").key);
      }
    });
    await machine.start();
    const kinds = withoutDigest(problemsOf(await machine.fsck())).map(({ problem }) => problem);
    assert.deepEqual([...kinds].sort(), ["reference-count", "version-without-reference"]);
    await machine.stop();
  });

  test("what changed in the state behind the back of all entries is in no digest (S12)", async () => {
    const machine = await filled();
    await machine.stop();
    await machine.tamper(([shard]) => present(shard, "shard").put(numbersKey(0x70, 1), Uint8Array.of(1)));
    await machine.start();
    assert.deepEqual(problemsOf(await machine.fsck()), [{ problem: "state-digest", files: [] }]);
    await machine.stop();
  });

  test("a value of the state that rotted is found (S12)", async () => {
    const machine = await filled();
    await machine.stop();
    machine.rotStateValue();
    await machine.start();
    const kinds = new Set(problemsOf(await machine.fsck()).map(({ problem }) => problem));
    assert.deepEqual([...kinds], ["state-damaged"]);
    machine.crash("kill");
  });

  test("blocks of an attempt that can commit no more are a note with their bytes, and then collected", async () => {
    const machine = await filled();
    const short = { ...incoming(large), bytes: large.length + 1 };
    const store = machine.node.files.storeFile({
      bucket: "b-1",
      key: "cut-off",
      attributes: noAttributes,
      condition: { ifMatch: undefined, ifNoneMatch: undefined },
      body: short,
    });
    await assert.rejects(machine.run(store), { code: "IncompleteBody" });
    // The next entry of each shard publishes that the attempt is closed.
    for (let i = 0; i < 8; i++) await machine.put(`after-${i}`, bytesOf(i, 10));
    const summary = summaryOf(await machine.fsck());
    assert.equal(summary.clean, true);
    assert.ok(summary.unreferencedBytes >= 2 * blockBytes, String(summary.unreferencedBytes));
    await machine.run(machine.node.collect());
    assert.equal(summaryOf(await machine.fsck()).unreferencedBytes, 0);
    await machine.stop();
  });

  test("a check ends when the node stops or its caller leaves", async () => {
    const machine = await filled();
    const check = machine.check();
    check.catch(() => undefined);
    const stopping = machine.stop();
    await assert.rejects(machine.run(check), { code: "Stopped" });
    await stopping;
    await machine.start();
    const leave = AbortSignal.abort(new Error("left"));
    await assert.rejects(machine.fsck({ signal: leave }), { message: "left" });
    await machine.stop();
  });
});
