import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  attempt,
  bucketId,
  contentIdText,
  decode,
  encode,
  seededRandom,
  shardId,
  toHex,
  uniform,
  writerId,
} from "@holdfast/base";
import type { FileVersion } from "@holdfast/namespace";
import { deadContents, findFile, listFiles, pendingDrops } from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import type { Replica } from "../test-support/random-commands.ts";
import { RandomCommands } from "../test-support/random-commands.ts";
import { ShardHarness } from "../test-support/shard-harness.ts";
import { ShardModel } from "../test-support/shard-model.ts";
import { shardEntryCodec } from "./command.ts";
import { ShardMachine } from "./shard-machine.ts";
import { streamStatus } from "./stream-status.ts";

const buckets = [bucketId(7), bucketId(8)];

describe("a shard against its model", () => {
  for (let seed = 1; seed <= 4; seed++) {
    it(`random commands have the results and effects that the model says (seed ${seed})`, () => {
      const results = run(seed, 1_000, (replica) => compare(replica));
      for (const kind of [
        "stored",
        "deleted",
        "partStored",
        "referenced",
        "writerClosed",
        "ConditionFailed",
        "StaleEvidence",
      ]) {
        assert.ok((results.get(kind) ?? 0) > 0, `no ${kind} among ${JSON.stringify([...results])}`);
      }
    });
  }

  it("the same log gives the same state, byte for byte", () => {
    let replicas: readonly Replica[] = [];
    run(99, 1_000, (replica, all) => {
      replicas = all;
      assert.ok(replica);
    });
    for (const { shard } of replicas) {
      const state = new MemoryState();
      const machine = new ShardMachine(shard.id, state);
      for (const entry of shard.log) machine.apply(entry);
      assert.equal(dump(state), dump(shard.state));
    }
  });
});

/** How often each kind of result, and each code of a refusal, came. */
function run(
  seed: number,
  steps: number,
  check: (replica: Replica, all: readonly Replica[]) => void,
): ReadonlyMap<string, number> {
  const random = seededRandom(seed);
  const replicas = [0, 1].map((id) => ({ shard: new ShardHarness(id), model: new ShardModel(shardId(id)) }));
  const commands = new RandomCommands(random, replicas);
  const counts = new Map<string, number>();
  const settings = { redundancy: { dataFragments: 1, parityFragments: 2 }, blockBytes: 1024 * 1024 };
  const installs = buckets.map((bucket) => ({ kind: "installBucket", bucket, settings }) as const);
  const first = replicas.flatMap(({ shard }) => installs.map((command) => ({ shard: shard.id, command })));
  for (let step = 0; step < steps; step++) {
    for (const { shard: id, command } of step === 0 ? first : commands.next()) {
      const replica = replicas[id];
      assert.ok(replica !== undefined);
      const { shard, model } = replica;
      // Clocks of proposers differ, and now and then a day goes by.
      shard.timeMs =
        Math.max(0, shard.timeMs + uniform(random, 2_000) - 900) +
        (uniform(random, 300) === 0 ? 86_000_000 : 0);
      const before = shard.state.namespaceChanges;
      const result = shard.apply(command);
      const expected = model.apply(decodeIndex(shard), shard.timeMs, command);
      assert.deepEqual(result, expected, `step ${step}: ${command.kind}`);
      const isRefused = result.kind === "refused" || result.kind === "writerClosed";
      if (isRefused)
        assert.equal(shard.state.namespaceChanges, before, `step ${step}: a refusal changes nothing`);
      const kind = result.kind === "refused" ? result.code : result.kind;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    if (step % 5 === 0) for (const replica of replicas) check(replica, replicas);
  }
  return counts;
}

function decodeIndex(shard: ShardHarness): ShardHarness["log"][number]["index"] {
  const last = shard.log.at(-1);
  assert.ok(last !== undefined);
  assert.deepEqual(encode(shardEntryCodec, decode(shardEntryCodec, last.command)), last.command);
  return last.index;
}

function compare({ shard: { state }, model }: Replica): void {
  let files = 0;
  for (const bucket of buckets) {
    const page = listFiles([state], { bucket, prefix: "", delimiter: "", after: "", limit: 1000 });
    files += page.files.length;
    for (const { key, bytes, etag } of page.files) {
      const file = findFile(state, bucket, key);
      assert.ok(file !== undefined && file.bytes === bytes && file.etag === etag);
      assert.deepEqual(summary(file), summaryOf(model, `${bucket}/${key}`));
    }
  }
  assert.equal(files, model.files.size);
  const drops = pendingDrops(state, 10_000).map(({ sequence, content }) => [
    sequence,
    contentIdText(content),
  ]);
  assert.deepEqual(
    drops,
    [...model.outbox].map(([sequence, { content }]) => [sequence, content]),
  );
  const dead = new Set(
    deadContents(state, Number.MAX_SAFE_INTEGER, 10_000).map(({ id }) => contentIdText(id)),
  );
  const deadInModel = [...model.contents]
    .filter(([, { deadSinceMs }]) => deadSinceMs !== undefined)
    .map(([id]) => id);
  assert.deepEqual(dead, new Set(deadInModel));
  for (const writer of [...model.writers.keys()].slice(-2)) {
    for (let number = 0; number < 30; number++) {
      const status = streamStatus(state, writerId(writer), attempt(number));
      assert.equal(status, model.statusOf(writer, number), `stream ${writer}.${number}`);
    }
  }
}

function summary({ etag, bytes, version, modifiedAtMs, body }: FileVersion): unknown {
  return {
    etag,
    bytes,
    version,
    modifiedAtMs,
    content: body.kind === "content" ? contentIdText(body.content) : undefined,
  };
}

function summaryOf(model: ShardModel, name: string): unknown {
  const file = model.files.get(name);
  assert.ok(file !== undefined, name);
  const { etag, bytes, version, modifiedAtMs, content } = file;
  return {
    etag,
    bytes,
    version,
    modifiedAtMs,
    content: content === undefined ? undefined : contentIdText(content),
  };
}

function dump(state: MemoryState): string {
  return [...state.range({ from: Uint8Array.of(0) })]
    .map(({ key, value }) => `${toHex(key)}=${toHex(value)}`)
    .join("\n");
}
