import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { concatBytes, MiB, seededRandom, utf8, utf8Text } from "@holdfast/base";
import type { WriteCondition } from "@holdfast/namespace";
import { noAttributes, unconditional } from "@holdfast/namespace";
import type { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { NodeMachine } from "../test-support/node-machine.ts";
import type { IncomingBody, ListFilesRequest } from "./files/interface.ts";
import type { HoldfastNode } from "./node.ts";
import type { NodeOptions } from "./node-options.ts";

/** A bit in every value flips. */
function rotStore(store: SimulatedKeyValue): void {
  for (const { key, value } of store.range({ from: new Uint8Array([0]) }))
    if (value.length > 0) store.rot(key);
}

function body(content: Uint8Array | string): IncomingBody {
  const bytes = typeof content === "string" ? utf8(content) : content;
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; at += 65_536)
      yield await Promise.resolve(bytes.subarray(at, at + 65_536));
  }
  return { chunks: chunks(), bytes: bytes.length, expectedDigests: () => [] };
}

async function bytesOf(chunks: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (chunks instanceof Uint8Array) return chunks;
  const pieces: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
  for await (const chunk of chunks) pieces.push(chunk);
  return concatBytes(pieces);
}

const missing: WriteCondition = { ifMatch: undefined, ifNoneMatch: { kind: "any" } };

/** The node's files, run to the end of each call in simulated time. */
class Client {
  readonly #machine: NodeMachine;
  readonly node: HoldfastNode;

  constructor(machine: NodeMachine, node: HoldfastNode) {
    this.#machine = machine;
    this.node = node;
  }

  bucket(name: string): Promise<unknown> {
    return this.#machine.run(this.node.files.createBucket({ name, owner: "tests" }));
  }

  store(
    key: string,
    content: Uint8Array | string,
    condition = unconditional,
  ): Promise<{ readonly etag: string }> {
    return this.#machine.run(
      this.node.files.storeFile({
        bucket: "b-1",
        key,
        attributes: noAttributes,
        condition,
        body: body(content),
      }),
    );
  }

  read(key: string): Promise<Uint8Array> {
    const reading = this.node.files.readFile({ bucket: "b-1", key }).then((found) => bytesOf(found.body));
    return this.#machine.run(reading);
  }

  copy(from: string, to: string, condition = unconditional): Promise<unknown> {
    const source = { bucket: "b-1", key: from };
    const request = { source, bucket: "b-1", key: to, condition, attributes: undefined };
    return this.#machine.run(this.node.files.copyFile(request));
  }

  remove(key: string): Promise<{ readonly existed: boolean }> {
    return this.#machine.run(this.node.files.deleteFile({ bucket: "b-1", key, condition: unconditional }));
  }

  async list(request: Partial<ListFilesRequest> = {}): Promise<readonly string[]> {
    const all = { bucket: "b-1", prefix: "", delimiter: "", after: "", limit: 1000, ...request };
    const page = await this.#machine.run(this.node.files.listFiles(all));
    return [...page.files.map((file) => file.key), ...page.prefixes];
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.#machine.run(promise);
  }
}

async function started(machine: NodeMachine, options: NodeOptions = {}): Promise<Client> {
  return new Client(machine, await machine.start(options));
}

const large: Uint8Array = seededRandom(3).bytes(3 * MiB + 17);

describe("node", () => {
  const machines: NodeMachine[] = [];
  afterEach(async () => {
    for (const machine of machines.splice(0)) await machine.stop();
  });

  async function fresh(
    machine = new NodeMachine(),
  ): Promise<{ readonly machine: NodeMachine; readonly client: Client }> {
    const client = await started(machine);
    await client.bucket("b-1");
    machines.push(machine);
    return { machine, client };
  }

  test("files of every size come back byte for byte", async () => {
    const { client } = await fresh();
    for (const length of [0, 1, 16 * 1024, 16 * 1024 + 1, MiB, large.length]) {
      await client.store(`f-${length}`, large.subarray(0, length));
      assert.deepEqual(await client.read(`f-${length}`), large.slice(0, length));
    }
  });

  test("after a power loss everything acknowledged is there, small and large", async () => {
    const { machine, client } = await fresh();
    await client.store("small", "hello");
    await client.store("large", large);
    await client.store("gone", "x");
    await client.remove("gone");
    machine.crash("power-loss");
    const again = await started(machine);
    assert.equal(utf8Text(await again.read("small")), "hello");
    assert.deepEqual(await again.read("large"), large);
    assert.deepEqual(await again.list(), ["large", "small"]);
    await assert.rejects(again.read("gone"), { code: "FileNotFound" });
  });

  test("a long page comes whole, and lets others have a turn while it is put together", async () => {
    const machine = new NodeMachine();
    const client = await started(machine);
    await client.bucket("b-1");
    const keys = Array.from({ length: 700 }, (_, i) => `key-${String(i).padStart(4, "0")}`);
    await client.run(
      Promise.all(
        keys.map((key) =>
          client.node.files.storeFile({
            bucket: "b-1",
            key,
            attributes: noAttributes,
            condition: unconditional,
            body: body("x"),
          }),
        ),
      ),
    );
    let turns = 0;
    const listing = client.list({ limit: 650 });
    machine.clock.soon(() => turns++);
    machine.clock.soon(() => machine.clock.soon(() => turns++));
    assert.deepEqual(await listing, keys.slice(0, 650));
    assert.ok(turns > 0);
    await client.run(client.node.stop());
  });

  test("of many writers that create one file, exactly one wins", async () => {
    const { client } = await fresh();
    const tries = Array.from({ length: 32 }, (_, i) =>
      client.node.files.storeFile({
        bucket: "b-1",
        key: "one",
        attributes: noAttributes,
        condition: missing,
        body: body(`writer ${i}`),
      }),
    );
    const outcomes = await client.run(Promise.allSettled(tries));
    assert.equal(outcomes.filter((outcome) => outcome.status === "fulfilled").length, 1);
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        assert.equal((outcome.reason as { code: string }).code, "ConditionFailed");
  });

  test("a copy outlives its source, which shares its content", async () => {
    const { client } = await fresh();
    await client.store("source", large);
    for (let i = 0; i < 8; i++) await client.copy("source", `copy-${i}`);
    await client.remove("source");
    await client.run(client.node.collect());
    for (let i = 0; i < 8; i++) assert.deepEqual(await client.read(`copy-${i}`), large);
  });

  test("a copy that asks for another checksum has it, and shares the content all the same (S5)", async () => {
    const { client } = await fresh();
    const { files } = client.node;
    const to = (key: string, from: string, checksumAlgorithm: "sha256" | "crc32", bytesMax?: number) => {
      const source = { bucket: "b-1", key: from, bytesMax };
      const request = { source, bucket: "b-1", key, condition: unconditional, attributes: undefined };
      return client.run(files.copyFile({ ...request, checksumAlgorithm }));
    };
    for (const content of [large, utf8("small")]) {
      await client.store("source", content);
      const blocks = (await client.run(client.node.status())).blocks.blocks;
      for (const algorithm of ["sha256", "crc32"] as const) {
        const { checksum } = await to(`with-${algorithm}`, "source", algorithm);
        const value = simulatedHashing.hash(algorithm, content);
        assert.deepEqual(checksum, { algorithm, scope: "full", value });
        const stat = await client.run(files.statFile({ bucket: "b-1", key: `with-${algorithm}` }));
        assert.deepEqual(stat.checksum, checksum);
      }
      assert.equal((await client.run(client.node.status())).blocks.blocks, blocks);
    }
    await assert.rejects(to("too-large", "source", "sha256", 4), { code: "BodyTooLarge" });
    await assert.rejects(client.read("too-large"), { code: "FileNotFound" });
  });

  test("content that nobody refers to is erased after the grace of readers, and not before (S6)", async () => {
    const { machine, client } = await fresh();
    await client.store("a", large);
    await client.copy("a", "b");
    await client.remove("a");
    await client.remove("b");
    await client.run(client.node.collect());
    assert.equal((await client.run(client.node.status())).blocks.blocks, 4);
    await machine.simulation.runFor(2000);
    await client.run(client.node.collect());
    await machine.simulation.runFor(2000);
    await client.run(client.node.collect());
    assert.equal((await client.run(client.node.status())).blocks.blocks, 0);
  });

  test("what is dead is erased together: a hundred files take the disk hardly longer than one", async () => {
    const timeOf = async (files: number): Promise<number> => {
      const { machine, client } = await fresh(new NodeMachine({}, { min: 10, max: 10 }));
      for (let i = 0; i < files; i++) await client.store(`dead-${i}`, large.subarray(0, 20_000));
      for (let i = 0; i < files; i++) await client.remove(`dead-${i}`);
      await client.run(client.node.collect());
      await machine.simulation.runFor(2000);
      const begunAtMs = machine.clock.monotonicMs();
      await client.run(client.node.collect());
      assert.equal((await client.run(client.node.status())).blocks.blocks, 0);
      return machine.clock.monotonicMs() - begunAtMs;
    };
    const [one, hundred] = [await timeOf(1), await timeOf(100)];
    assert.ok(hundred < one + 1000, `${one} ms for one file, ${hundred} ms for a hundred`);
  });

  test("a wall clock that jumps ahead does not shorten the grace of readers (S6)", async () => {
    const { machine } = await fresh();
    machine.crash("kill");
    const client = new Client(machine, await machine.start({ readerGraceMs: 60_000 }));
    await client.store("a", large);
    await machine.simulation.runFor(120_000);
    await client.remove("a");
    machine.clock.jumpWall(3_600_000);
    await machine.simulation.runFor(50_000);
    assert.ok((await client.node.status()).blocks.blocks > 0);
    await machine.simulation.runFor(30_000);
    assert.equal((await client.node.status()).blocks.blocks, 0);
  });

  test("an upload in parts is one file when it is completed, and nothing before", async () => {
    const { client } = await fresh();
    const files = client.node.files;
    const place = { bucket: "b-1", key: "big" };
    const upload = await client.run(
      files.createUpload({
        ...place,
        attributes: noAttributes,
        checksumAlgorithm: "crc32",
        checksumScope: "full",
      }),
    );
    const first = seededRandom(4).bytes(5 * MiB);
    const name = { ...place, uploadId: upload.uploadId };
    const stored = [
      await client.run(files.storePart({ ...name, part: 2, body: body("the end") })),
      await client.run(files.storePart({ ...name, part: 1, body: body("sent again") })),
      await client.run(files.storePart({ ...name, part: 1, body: body(first) })),
    ];
    const otherSum: IncomingBody = { ...body("x"), checksumAlgorithm: "sha1" };
    await assert.rejects(client.run(files.storePart({ ...name, part: 1, body: otherSum })), {
      code: "InvalidRequest",
    });
    await assert.rejects(client.read("big"), { code: "FileNotFound" });
    const parts = [
      { part: 1, etag: stored[2]?.etag ?? "" },
      { part: 2, etag: stored[0]?.etag ?? "" },
    ];
    const whole = concatBytes([first, utf8("the end")]);
    const completed = await client.run(files.completeUpload({ ...name, parts, condition: unconditional }));
    assert.deepEqual(await client.read("big"), whole);
    assert.deepEqual(completed.checksum?.value, simulatedHashing.hash("crc32", whole));
    const again = await client.run(files.completeUpload({ ...name, parts, condition: unconditional }));
    assert.deepEqual(again, completed);
    // Also under the condition that the first one made fail.
    const onlyNew = { ifMatch: undefined, ifNoneMatch: { kind: "any" } } as const;
    const conditional = await client.run(files.completeUpload({ ...name, parts, condition: onlyNew }));
    assert.equal(conditional.version, completed.version);
    const listed = await client.run(files.listFileParts({ ...place, afterPart: 0, limit: 1 }));
    const { checksum } = stored[2] ?? {};
    assert.deepEqual([listed.parts, listed.next], [[{ part: 1, bytes: 5 * MiB, checksum }], 1]);
    const rest = await client.run(files.listFileParts({ ...place, afterPart: 1, limit: 1 }));
    assert.deepEqual([rest.parts[0]?.bytes, rest.next, rest.file.partCount], [7, undefined, 2]);
    await assert.rejects(client.run(files.storePart({ ...name, part: 3, body: body("late") })), {
      code: "UploadNotFound",
    });
  });

  test("a bucket with files is not deleted and stays usable; an empty one is gone", async () => {
    const { client } = await fresh();
    await client.store("a", "x");
    await assert.rejects(client.run(client.node.files.deleteBucket("b-1")), { code: "BucketNotEmpty" });
    await client.store("b", "y");
    await client.remove("a");
    await client.remove("b");
    await client.run(client.node.files.deleteBucket("b-1"));
    await assert.rejects(client.store("c", "z"), { code: "BucketNotFound" });
  });

  test("who tries to delete a bucket in use disturbs no reader, and writers are told to come again (S17)", async () => {
    const { client } = await fresh();
    await client.store("f", "x");
    const { files } = client.node;
    const deleting = files.deleteBucket("b-1");
    deleting.catch(() => undefined);
    const meanwhile = Promise.allSettled([
      files.statFile({ bucket: "b-1", key: "f" }),
      files.bucket("b-1"),
      files.deleteFile({ bucket: "b-1", key: "g", condition: unconditional }),
    ]);
    const [file, bucket, removal] = await client.run(meanwhile);
    assert.equal(file.status, "fulfilled");
    assert.equal(bucket.status, "fulfilled");
    if (removal.status === "rejected") assert.equal((removal.reason as { code: string }).code, "Overloaded");
    await assert.rejects(client.run(deleting), { code: "BucketNotEmpty" });
    await client.store("g", "y");
  });

  test("of two deletions of a bucket one succeeds, and neither leaves half of it behind (S17)", async () => {
    const { client } = await fresh();
    const { files } = client.node;
    const outcomes = await client.run(
      Promise.allSettled([files.deleteBucket("b-1"), files.deleteBucket("b-1")]),
    );
    assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ["fulfilled", "rejected"]);
    for (const outcome of outcomes)
      if (outcome.status === "rejected")
        assert.equal((outcome.reason as { code: string }).code, "BucketNotFound");
    await client.bucket("b-1");
    await client.store("f", "x");
  });

  test("while the disk is full, writes are refused and reads and deletes go on", async () => {
    const { machine, client } = await fresh();
    await client.store("a", large);
    machine.disk.capacityBytes = 0;
    await machine.simulation.runFor(2000);
    await assert.rejects(client.store("b", large), {
      code: "OutOfSpace",
      outcome: "not-applied",
      retryable: true,
    });
    await assert.rejects(client.store("c", "small"), { code: "OutOfSpace" });
    assert.deepEqual(await client.read("a"), large);
    await client.remove("a");
    machine.disk.capacityBytes = 2 ** 40;
    await machine.simulation.runFor(2000);
    await client.store("b", large);
    assert.deepEqual(await client.list(), ["b"]);
  });

  test("a node starts on a full disk, serves what is there and takes writes when there is room (ballast)", async () => {
    const { machine, client } = await fresh();
    await client.store("a", large);
    await machine.simulation.runFor(20_000);
    const { freeBytes } = await machine.disk.space();
    for (let round = 0; round < 3; round++) {
      machine.crash("kill");
      machine.disk.capacityBytes -= (await machine.disk.space()).freeBytes;
      assert.equal((await machine.disk.space()).freeBytes, 0);
      const again = new Client(machine, await machine.start({ reserveBytes: 256 * 1024 }));
      assert.deepEqual(await again.read("a"), large);
      await assert.rejects(again.store("b", large), { code: "OutOfSpace" });
      machine.disk.capacityBytes += freeBytes;
      await machine.simulation.runFor(20_000);
      await again.store(`room-${round}`, large);
      await machine.simulation.runFor(20_000);
    }
  });

  test("deletes are refused, and told so, only when the reserve itself is nearly used up", async () => {
    const { machine, client } = await fresh();
    await client.store("a", "x");
    machine.crash("kill");
    const again = new Client(machine, await machine.start({ reserveBytes: 8 * MiB }));
    const { freeBytes } = await machine.disk.space();
    machine.disk.capacityBytes -= freeBytes - 3 * MiB;
    await machine.simulation.runFor(2000);
    await assert.rejects(again.store("b", "x"), { code: "OutOfSpace" });
    await again.remove("a");
    machine.disk.capacityBytes -= 2 * MiB;
    await machine.simulation.runFor(2000);
    await assert.rejects(again.remove("a"), { code: "OutOfSpace", outcome: "not-applied" });
    assert.deepEqual(await again.list(), []);
    machine.disk.capacityBytes += 20 * MiB;
    await machine.simulation.runFor(2000);
    await again.store("b", "x");
  });

  test("a failed sync stops the node; nothing it did not make durable was acknowledged (S11)", async () => {
    const { machine, client } = await fresh();
    await client.store("before", "x");
    machine.disk.failNext("write", /^log\//);
    await assert.rejects(client.store("after", "y"), { outcome: "unknown" });
    assert.equal((await client.run(client.node.failed)).code, "Unavailable");
    assert.equal((await client.run(client.node.status())).ready, false);
    machine.crash("power-loss");
    const again = await started(machine);
    assert.equal(utf8Text(await again.read("before")), "x");
  });

  test("rot in the log is refused at the start where it may have hit acknowledged entries; nothing is forgotten (S10)", async () => {
    let refusals = 0;
    for (let page = 1; page <= 12; page++) {
      const machine = new NodeMachine();
      const client = await started(machine, { checkpointIntervalMs: 1_000_000 });
      await client.bucket("b-1");
      for (let i = 0; i < 4; i++) await client.store(`f-${i}`, `content ${i}`);
      await machine.simulation.runFor(1000);
      machine.crash("kill");
      const [segment] = await machine.run(machine.disk.list("log"));
      machine.disk.rot(`log/${segment}`, 4096 * page + 100);
      try {
        const again = await started(machine);
        for (let i = 0; i < 4; i++) assert.equal(utf8Text(await again.read(`f-${i}`)), `content ${i}`);
        await again.run(again.node.stop());
      } catch (error) {
        assert.equal((error as { code?: string }).code, "DataCorrupt", String(error));
        refusals++;
      }
    }
    assert.ok(refusals > 0, "no page of the log mattered");
  });

  test("a directory that lost its log and state is refused, not taken for an empty one", async () => {
    const { machine, client } = await fresh();
    await client.store("a", large);
    await machine.stop();
    for (const name of await machine.run(machine.disk.list("log")))
      await machine.run(machine.disk.remove(`log/${name}`));
    await assert.rejects(machine.start(), { code: "DataCorrupt" });
    machine.loseStore("state");
    await assert.rejects(machine.start(), { code: "DataCorrupt" });
  });

  test("rot in the state is refused in the node's own words, at a read and at a start (S12)", async () => {
    const { machine, client } = await fresh();
    await client.store("a", "x");
    await machine.stop();
    const before = await started(machine);
    rotStore(machine.store("state"));
    await assert.rejects(before.read("a"), { name: "StoreError", code: "DataCorrupt" });
    machine.crash("kill");
    await assert.rejects(machine.start(), { name: "StoreError", code: "DataCorrupt" });
  });

  test("a second node on the same directory is refused", async () => {
    const { machine } = await fresh();
    await assert.rejects(machine.start(), { kind: "locked" });
  });
});
