import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MiB, seededRandom, utf8Text } from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import { allMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  RecordingMetrics,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { Files, IncomingBody } from "./files/interface.ts";
import type { HoldfastNode } from "./node.ts";
import { startNode } from "./node.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("readiness tells the truth", () => {
  test("on a node that serves: ready and writable", async () => {
    const { node, run } = await started();
    assert.deepEqual(await run(node.readiness()), {
      ready: true,
      writable: true,
      code: undefined,
      reason: undefined,
    });
  });

  test("while it stops, and when it has stopped", async () => {
    const { node, run } = await started();
    const stopping = node.stop();
    assert.partialDeepStrictEqual(await run(node.readiness()), { ready: false, code: "Stopped" });
    await run(stopping);
    assert.equal((await run(node.readiness())).ready, false);
  });

  test("from the moment a write of the log failed", async () => {
    const { node, run, disk, metrics } = await started();
    disk.failNext("write", /^log\//);
    await assert.rejects(run(store(node.files, "k", 10)), { code: "OutcomeUnknown", outcome: "unknown" });
    const { ready, writable, code, reason } = await run(node.readiness());
    assert.deepEqual([ready, writable, code], [false, false, "Unavailable"]);
    assert.match(reason ?? "", /disk|log/);
    assert.equal(await run(metrics.value(allMetrics.logFailed, {})), 1);
    assert.equal(await run(metrics.value(allMetrics.nodeReady, {})), 0);
  });

  test("when a checkpoint failed", async () => {
    const { node, run, simulation, stores } = await started();
    for (const each of stores.values()) each.failNextWrite();
    await run(store(node.files, "k", 10));
    await simulation.runFor(2000);
    assert.partialDeepStrictEqual(await run(node.readiness()), { ready: false, code: "Unavailable" });
  });

  test("on a full disk: still ready, for reads and deletes, and not writable", async () => {
    const { node, run, disk, simulation, metrics } = await started();
    await run(store(node.files, "k", 10));
    disk.capacityBytes = 0;
    await simulation.runFor(1100);
    assert.partialDeepStrictEqual(await run(node.readiness()), {
      ready: true,
      writable: false,
      code: "OutOfSpace",
    });
    await assert.rejects(run(store(node.files, "other", 10)), { code: "OutOfSpace" });
    assert.equal(await run(metrics.value(allMetrics.admissionRefusals, {})), 1);
    const { body } = await run(node.files.readFile({ bucket: "b-1", key: "k" }));
    assert.ok(body instanceof Uint8Array);
    assert.equal(utf8Text(body), "x".repeat(10));
    disk.capacityBytes = 2 ** 50;
    await simulation.runFor(1100);
    assert.equal((await run(node.readiness())).writable, true);
  });

  test("within a deadline when the disk does not answer, and one look serves all who ask meanwhile", async () => {
    const { node, run, simulation, hang } = await started();
    const [first, second] = await run(Promise.all([node.readiness(), node.readiness()]));
    assert.equal(first, second);
    hang.space = true;
    await simulation.runFor(1100);
    const askedAtMs = simulation.nowMs;
    assert.partialDeepStrictEqual(await run(node.readiness()), { ready: false, code: "Unavailable" });
    assert.ok(simulation.nowMs - askedAtMs <= 1001);
  });
});

describe("what a node counts", () => {
  test("the log's batches, bytes and sync times, and what was applied", async () => {
    const { node, run, metrics } = await started();
    const batches = async (): Promise<number> => (await run(metrics.value(allMetrics.logBatches, {}))) ?? 0;
    const applied = async (): Promise<number> =>
      (await run(metrics.value(allMetrics.appliedEntries, {}))) ?? 0;
    const [batchesBefore, appliedBefore] = [await batches(), await applied()];
    await run(store(node.files, "k", 10));
    assert.ok((await batches()) > batchesBefore);
    assert.equal(await applied(), appliedBefore + 1);
    assert.equal(await run(metrics.observations(allMetrics.logSync, {})), await batches());
    assert.ok(((await run(metrics.value(allMetrics.logWrittenBytes, {}))) ?? 0) >= 4096);
  });

  test("the lag of the checkpoint grows with each entry and ends with the checkpoint", async () => {
    const { node, run, simulation, metrics } = await started();
    await simulation.runFor(3000);
    const lag = (): Promise<number | undefined> => run(metrics.value(allMetrics.checkpointLagEntries, {}));
    assert.equal(await lag(), 0);
    await run(store(node.files, "k", 10));
    assert.equal(await lag(), 1);
    assert.ok(((await run(metrics.value(allMetrics.checkpointLagBytes, {}))) ?? 0) > 0);
    await simulation.runFor(3000);
    assert.equal(await lag(), 0);
    assert.ok((await run(metrics.observations(allMetrics.checkpointDuration, {}))) > 0);
  });

  test("blocks that were put, read and found damaged, and what collection erased", async () => {
    const { node, run, disk, metrics, simulation } = await started();
    const value = (metric: Parameters<typeof metrics.value>[0]): Promise<number | undefined> =>
      run(metrics.value(metric, {}));
    await run(store(node.files, "k", MiB + 1));
    assert.equal(await value(allMetrics.blockPuts), 2);
    assert.equal(await value(allMetrics.blockPutBytes), MiB + 1);
    assert.equal(await value(allMetrics.blockCount), 2);
    await run(bytesRead(node, "k"));
    assert.equal(await value(allMetrics.blockReadBytes), MiB + 1);
    const [volume] = await run(disk.list("blocks"));
    disk.rot(`blocks/${volume}`, 4096 + 500_000);
    await assert.rejects(run(bytesRead(node, "k")), { code: "DataCorrupt" });
    assert.equal(await value(allMetrics.blockDamage), 1);
    assert.equal((await run(node.status())).blocks.damagedFound, 1);
    await run(node.files.deleteFile({ bucket: "b-1", key: "k", condition: unconditional }));
    await simulation.runFor(60_000);
    await run(node.collect());
    assert.equal(await value(allMetrics.collectedBlocks), 2);
    assert.ok((await run(metrics.observations(allMetrics.collectionDuration, {}))) > 0);
  });
});

describe("a request's id", () => {
  test("stands in the lines that the node writes on its behalf, deep in a streamed read too", async () => {
    const { node, run, disk, journal } = await started();
    await run(store(node.files, "k", MiB));
    const [volume] = await run(disk.list("blocks"));
    disk.rot(`blocks/${volume}`, 4096 + 500_000);
    const files = node.files.within({ requestId: "run-000007" });
    const { body } = await run(files.readFile({ bucket: "b-1", key: "k" }));
    await assert.rejects(run(gather(body)), { code: "DataCorrupt" });
    const line = journal.lines.find(({ event }) => event === "block unreadable");
    assert.equal(line?.fields["requestId"], "run-000007");
  });

  test("stands beside the cause of a fault, and refusals are not worth a line", async () => {
    const { node, run, disk, journal } = await started();
    const files = node.files.within({ requestId: "run-000008" });
    await assert.rejects(run(files.bucket("none")), { code: "BucketNotFound" });
    assert.ok(!journal.lines.some(({ fields }) => fields["requestId"] === "run-000008"));
    disk.failNext("write", /^log\//);
    await assert.rejects(run(store(files, "k", 10)), { code: "OutcomeUnknown" });
    const line = journal.lines.find(({ event }) => event === "operation failed");
    assert.partialDeepStrictEqual(line?.fields, { requestId: "run-000008", code: "OutcomeUnknown" });
  });

  test("the files within a request stop with the node's", async () => {
    const { node, run } = await started();
    const files = node.files.within({ requestId: "run-000009" });
    await run(node.stop());
    await assert.rejects(run(files.listBuckets()), { code: "Stopped" });
  });
});

interface Started {
  readonly node: HoldfastNode;
  readonly simulation: Simulation;
  readonly disk: SimulatedDisk;
  readonly stores: ReadonlyMap<string, SimulatedKeyValue>;
  readonly metrics: RecordingMetrics;
  readonly journal: CollectingJournal;
  /** What the disk does not answer any more. */
  readonly hang: { space: boolean };
  readonly run: <T>(promise: Promise<T>) => Promise<T>;
}

/** A node with the bucket b-1. */
async function started(): Promise<Started> {
  const random = seededRandom(11);
  const simulation = new Simulation({ random, drain });
  const disk = new SimulatedDisk({ random, simulation });
  const stores = new Map<string, SimulatedKeyValue>();
  const metrics = new RecordingMetrics();
  const journal = new CollectingJournal();
  const hang = { space: false };
  const mounted = disk.mount();
  const run = <T>(promise: Promise<T>): Promise<T> => simulation.runUntilSettled(promise);
  const openKeyValue = (folder: string): Promise<ReturnType<SimulatedKeyValue["mount"]>> => {
    const opened = new SimulatedKeyValue({ random });
    stores.set(folder, opened);
    return Promise.resolve(opened.mount());
  };
  const ports = {
    clock: new SimulatedClock(simulation),
    disk: {
      ...mounted,
      space: () => (hang.space ? new Promise<never>(() => undefined) : mounted.space()),
    },
    openKeyValue,
    random,
    hashing: simulatedHashing,
    journal,
    metrics,
  };
  const options = { shardCount: 4, segmentBytes: 256 * 1024, reserveBytes: 0, readerGraceMs: 1000 };
  const node = await run(startNode(ports, options));
  await run(node.files.createBucket({ name: "b-1", owner: "root" }));
  return { node, simulation, disk, stores, metrics, journal, hang, run };
}

function store(files: Files, key: string, bytes: number): Promise<unknown> {
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield await Promise.resolve(new Uint8Array(bytes).fill("x".charCodeAt(0)));
  }
  const body: IncomingBody = { chunks: chunks(), bytes, expectedDigests: () => [] };
  return files.storeFile({ bucket: "b-1", key, attributes: noAttributes, condition: unconditional, body });
}

async function bytesRead(node: HoldfastNode, key: string): Promise<number> {
  return gather((await node.files.readFile({ bucket: "b-1", key })).body);
}

async function gather(chunks: Uint8Array | AsyncIterable<Uint8Array>): Promise<number> {
  if (chunks instanceof Uint8Array) return chunks.length;
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
