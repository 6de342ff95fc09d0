/**
 * A seeded workload is stopped before each of its operations on disk and index, in turn, by a kill or by a power loss.
 * Then the store is opened again and compared with what was acknowledged; the index may be lost on top.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { BlockId, Random } from "@holdfast/base";
import { blockIdText, seededRandom, uniform } from "@holdfast/base";
import { BlockError } from "./block-error.ts";
import type { BlockStore } from "./block-store.ts";
import {
  assertHolds,
  assertMissing,
  BlockWorld,
  block,
  bodyOf,
  compact,
  content,
  put,
} from "./block-world.test.ts";

const contentCount = 5;
const blocksPerContent = 4;

/** What a reader may see: the block whole, no block, or either. */
type Expected = "stored" | "absent" | "either";

class Model {
  readonly #expected = new Map<string, { readonly id: BlockId; state: Expected }>();

  constructor() {
    for (let number = 0; number < contentCount; number++) {
      for (let sequence = 0; sequence < blocksPerContent; sequence++) {
        const id = block(number, sequence);
        this.#expected.set(blockIdText(id), { id, state: "absent" });
      }
    }
  }

  async put(store: BlockStore, id: BlockId): Promise<void> {
    const known = this.#of(id);
    if (known.state === "absent") known.state = "either";
    await put(store, id, bodyOf(id, 5000));
    known.state = "stored";
  }

  async erase(store: BlockStore, number: number): Promise<void> {
    const known = Array.from({ length: blocksPerContent }, (_, sequence) =>
      this.#of(block(number, sequence)),
    );
    for (const one of known) if (one.state === "stored") one.state = "either";
    await store.erase(content(number));
    for (const one of known) one.state = "absent";
  }

  async eraseBlock(store: BlockStore, id: BlockId): Promise<void> {
    const known = this.#of(id);
    if (known.state === "stored") known.state = "either";
    await store.eraseBlocks([id]);
    known.state = "absent";
  }

  /** What is seen after a start is settled: the next start has to show the same. */
  async check(store: BlockStore): Promise<void> {
    let blocks = 0;
    for (const known of this.#expected.values()) {
      if (known.state === "either") known.state = store.has(known.id) ? "stored" : "absent";
      if (known.state === "absent") await assertMissing(store, known.id);
      if (known.state === "stored") await assertHolds(store, known.id, bodyOf(known.id, 5000));
      if (known.state === "stored") blocks++;
    }
    assert.equal(store.usage().blocks, blocks, "blocks that the volumes count");
    const listed = store.contents(undefined, 100).flatMap((each) => store.blocksOf(each));
    assert.equal(listed.length, blocks, "blocks that are listed");
  }

  #of(id: BlockId): { state: Expected } {
    const known = this.#expected.get(blockIdText(id));
    assert.ok(known !== undefined);
    return known;
  }
}

/** Bursts of puts and erasures, of contents and of single blocks, each of different contents, with a step of compaction now and then. */
async function work(store: BlockStore, model: Model, random: Random, bursts: number): Promise<void> {
  for (let burst = 0; burst < bursts; burst++) {
    const calls: Promise<unknown>[] = [];
    for (let number = 0; number < contentCount; number++) {
      const dice = uniform(random, 9);
      if (dice === 0) calls.push(model.erase(store, number));
      if (dice === 8) {
        calls.push(model.eraseBlock(store, block(number, uniform(random, blocksPerContent))));
        continue;
      }
      for (let i = 1; i < dice - 3; i++)
        calls.push(model.put(store, block(number, uniform(random, blocksPerContent))));
    }
    if (uniform(random, 2) === 0) calls.push(compactOne(store));
    await Promise.all(calls);
  }
  await store.close();
}

async function compactOne(store: BlockStore): Promise<void> {
  const [volume] = store.compactionCandidates(0.2);
  if (volume !== undefined) await compact(store, volume);
}

interface Crash {
  readonly how: "kill" | "powerLoss";
  readonly atOperation: number;
}

/** Runs the workload until it ends or crashes; tells how many operations it took. */
async function runUntilCrash(
  world: BlockWorld,
  crash: Crash | undefined,
  model: Model,
  seed: number,
  stop: Stop,
): Promise<number> {
  stop.arm(crash === undefined ? Number.POSITIVE_INFINITY : crash.atOperation, () => {
    if (crash?.how === "kill") world.kill();
    else world.powerLoss();
  });
  const running = world.open().then((store) => work(store, model, seededRandom(seed), 12));
  running.catch(() => undefined);
  const outcome = Promise.race([running, stop.stopped]);
  await outcome.catch((error: unknown) => {
    // The operation before which it crashed reports an error, as its process is dead.
    if (!(stop.isStopped && error instanceof BlockError)) throw error;
  });
  return stop.disarm();
}

/** Counts operations, and stops the world before one of them. */
class Stop {
  #count = 0;
  #at = Number.POSITIVE_INFINITY;
  #action: () => void = () => undefined;
  #resolve: () => void = () => undefined;
  isStopped = false;
  stopped: Promise<void> = Promise.resolve();

  arm(at: number, action: () => void): void {
    this.#count = 0;
    this.#at = at;
    this.#action = action;
    this.isStopped = false;
    this.stopped = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  readonly beforeOperation = (): void => {
    if (this.#count++ !== this.#at) return;
    this.isStopped = true;
    this.#action();
    this.#resolve();
  };

  disarm(): number {
    this.#at = Number.POSITIVE_INFINITY;
    return this.#count;
  }
}

function newWorld(stop: Stop, seed: number): BlockWorld {
  return new BlockWorld({
    seed,
    beforeOperation: stop.beforeOperation,
    volumeBytesMax: 40 * 1024,
    groupBytesMax: 12 * 1024,
    indexFlushBytes: 1500,
    copyBytesMax: 8 * 1024,
  });
}

async function enumerate(
  seed: number,
  how: Crash["how"],
  after: (world: BlockWorld, model: Model, stop: Stop) => Promise<void>,
) {
  const stop = new Stop();
  const operations = await runUntilCrash(newWorld(stop, seed), undefined, new Model(), seed, stop);
  assert.ok(operations > 40, `the workload takes ${operations} operations`);
  for (let atOperation = 0; atOperation < operations; atOperation++) {
    const world = newWorld(stop, seed);
    const model = new Model();
    await runUntilCrash(world, { how, atOperation }, model, seed, stop);
    await after(world, model, stop).catch((error: unknown) => {
      throw new Error(`seed ${seed}, ${how} before operation ${atOperation}`, { cause: error });
    });
  }
}

/** Opened, looked at, and left without a close, so that the next start finds what this one made durable. */
async function reopenAndCheck(world: BlockWorld, model: Model): Promise<void> {
  await model.check(await world.open());
}

for (const how of ["kill", "powerLoss"] as const) {
  test(`crash points: after a ${how} at any operation, acknowledged blocks are whole and erased ones gone`, async () => {
    for (const seed of [1, 2]) await enumerate(seed, how, reopenAndCheck);
  });

  test(`crash points: after a ${how} at any operation, the volumes alone give the same (S7)`, async () => {
    for (const seed of [4]) {
      await enumerate(seed, how, async (world, model) => {
        world.loseIndex();
        await reopenAndCheck(world, model);
      });
    }
  });

  test(`S8: what a start after a ${how} shows is durable, even if the power fails right behind it`, async () => {
    for (const seed of [6]) {
      await enumerate(seed, how, async (world, model) => {
        await reopenAndCheck(world, model);
        world.powerLoss();
        await reopenAndCheck(world, model);
        world.powerLoss();
        world.loseIndex();
        await reopenAndCheck(world, model);
      });
    }
  });

  test(`crash points: a ${how} during the start is no worse, and the store goes on working`, async () => {
    const seed = 8;
    await enumerate(seed, how, async (world, model, stop) => {
      for (let again = 1; again <= 2; again++) {
        const crash: Crash = { how: "powerLoss", atOperation: 5 * again };
        await runUntilCrash(world, crash, model, seed + again, stop);
        await reopenAndCheck(world, model);
        world.powerLoss();
      }
    });
  });
}
