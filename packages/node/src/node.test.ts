import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { concatBytes, MiB, seededRandom, utf8, utf8Text } from "@holdfast/base";
import type { WriteCondition } from "@holdfast/namespace";
import { noAttributes, unconditional } from "@holdfast/namespace";
import type { KeyValue } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import {
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { IncomingBody, ListFilesRequest } from "./files/interface.ts";
import type { HoldfastNode, NodeOptions } from "./node.ts";
import { startNode } from "./node.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A machine on which nodes are started, one after the other. */
class Machine {
  readonly random = seededRandom(7);
  readonly simulation = new Simulation({ random: seededRandom(8), drain });
  readonly disk = new SimulatedDisk({ random: this.random, simulation: this.simulation });
  readonly clock = new SimulatedClock(this.simulation);
  readonly #stores = new Map<string, SimulatedKeyValue>();
  #seed = 100;

  start(options: NodeOptions = {}): Promise<HoldfastNode> {
    const openKeyValue = (folder: string): Promise<KeyValue> => {
      const store = this.#stores.get(folder) ?? new SimulatedKeyValue({ random: this.random });
      this.#stores.set(folder, store);
      return Promise.resolve(store.mount());
    };
    const ports = { clock: this.clock, disk: this.disk.mount(), openKeyValue, hashing: simulatedHashing };
    const defaults = { shardCount: 4, segmentBytes: 256 * 1024, reserveBytes: 0, readerGraceMs: 1000 };
    return this.run(
      startNode(
        { ...ports, random: seededRandom(this.#seed++), journal: silentJournal },
        { ...defaults, ...options },
      ),
    );
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise);
  }

  kill(): void {
    this.disk.kill();
    for (const store of this.#stores.values()) store.kill();
  }

  powerLoss(): void {
    this.disk.powerLoss();
    for (const store of this.#stores.values()) store.powerLoss();
  }

  loseStore(folder: string): void {
    this.#stores.delete(folder);
  }
}

function body(content: Uint8Array | string): IncomingBody {
  const bytes = typeof content === "string" ? utf8(content) : content;
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; at += 65_536)
      yield await Promise.resolve(bytes.subarray(at, at + 65_536));
  }
  return { chunks: chunks(), bytes: bytes.length, expectedDigests: () => [] };
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
  for await (const chunk of chunks) pieces.push(chunk);
  return concatBytes(pieces);
}

const missing: WriteCondition = { ifMatch: undefined, ifNoneMatch: { kind: "any" } };

/** The node's files, run to the end of each call in simulated time. */
class Client {
  readonly #machine: Machine;
  readonly node: HoldfastNode;

  constructor(machine: Machine, node: HoldfastNode) {
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

async function started(machine: Machine, options: NodeOptions = {}): Promise<Client> {
  return new Client(machine, await machine.start(options));
}

const large: Uint8Array = seededRandom(3).bytes(3 * MiB + 17);

describe("node", () => {
  const running: Client[] = [];
  afterEach(async () => {
    for (const client of running.splice(0)) await client.run(client.node.stop());
  });

  async function fresh(): Promise<{ readonly machine: Machine; readonly client: Client }> {
    const machine = new Machine();
    const client = await started(machine);
    await client.bucket("b-1");
    running.push(client);
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
    running.length = 0;
    machine.powerLoss();
    const again = await started(machine);
    running.push(again);
    assert.equal(utf8Text(await again.read("small")), "hello");
    assert.deepEqual(await again.read("large"), large);
    assert.deepEqual(await again.list(), ["large", "small"]);
    await assert.rejects(again.read("gone"), { code: "FileNotFound" });
  });

  test("a long page comes whole, and lets others have a turn while it is put together", async () => {
    const machine = new Machine();
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
    assert.equal(again.version, completed.version);
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

  test("a failed sync stops the node; nothing it did not make durable was acknowledged (S11)", async () => {
    const { machine, client } = await fresh();
    await client.store("before", "x");
    machine.disk.failNext("write", /^log\//);
    await assert.rejects(client.store("after", "y"), { outcome: "unknown" });
    assert.equal((await client.run(client.node.failed)).code, "Unavailable");
    assert.equal((await client.run(client.node.status())).ready, false);
    running.length = 0;
    machine.powerLoss();
    const again = await started(machine);
    running.push(again);
    assert.equal(utf8Text(await again.read("before")), "x");
  });

  test("rot in the log is refused at the start where it may have hit acknowledged entries; nothing is forgotten (S10)", async () => {
    let refusals = 0;
    for (let page = 1; page <= 12; page++) {
      const machine = new Machine();
      const client = await started(machine, { checkpointIntervalMs: 1_000_000 });
      await client.bucket("b-1");
      for (let i = 0; i < 4; i++) await client.store(`f-${i}`, `content ${i}`);
      await machine.simulation.runFor(1000);
      machine.kill();
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
    await client.run(client.node.stop());
    running.length = 0;
    for (const name of await machine.run(machine.disk.list("log")))
      await machine.run(machine.disk.remove(`log/${name}`));
    await assert.rejects(machine.start(), { code: "DataCorrupt" });
    machine.loseStore("state");
    await assert.rejects(machine.start(), { code: "DataCorrupt" });
  });

  test("a second node on the same directory is refused", async () => {
    const { machine } = await fresh();
    await assert.rejects(machine.start(), { kind: "locked" });
  });
});
