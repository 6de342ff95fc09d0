import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { boolean, StoreError, seededRandom, shardId, text } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import { SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { ShardMachine } from "@holdfast/shard";
import { BareLog } from "../test-support/bare-log.ts";
import { ShardQuestion } from "./shard-reads/shard-question.ts";
import { ShardReplica } from "./shard-replica.ts";

const mark = Uint8Array.of(1);
/** Only the state here has the mark. */
const isHere = new ShardQuestion({
  tag: 250,
  asked: text,
  answer: boolean,
  find: (state) => state.get(mark) !== undefined,
});

/** A shard whose replica here, barriers and other homes are as the test says. */
class World {
  replica: object | undefined = {};
  barrier: () => Promise<void> | undefined = () => undefined;
  hasHome = true;
  readonly shard: ShardReplica;

  constructor() {
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const simulation = new Simulation({ random: seededRandom(1), drain });
    const state = new MemoryState();
    state.put(mark, mark);
    const id = shardId(0);
    const reads = {
      hasHome: () => this.hasHome,
      ask: <Asked, Answer>(_shard: unknown, question: ShardQuestion<Asked, Answer>, asked: Asked) =>
        Promise.resolve(question.find(new MemoryState(), asked, id)),
    };
    this.shard = new ShardReplica({
      id,
      log: Object.assign(new BareLog(new ShardMachine(id, state)), { readBarrier: () => this.barrier() }),
      state,
      clock: new SimulatedClock(simulation),
      run: { node: "n", run: "r" },
      leads: () => false,
      homes: { replica: () => this.replica, reads },
      stopping: new AbortController().signal,
    });
  }

  async ask(): Promise<"here" | "elsewhere"> {
    return (await this.shard.ask(isHere, "")) ? "here" : "elsewhere";
  }
}

describe("a shard is asked", () => {
  test("here, at once, when a sole voter's barrier is none", () => {
    const { shard } = new World();
    assert.equal(shard.ask(isHere, ""), true);
  });

  test("elsewhere without a replica", async () => {
    const world = new World();
    world.replica = undefined;
    assert.equal(await world.ask(), "elsewhere");
  });

  test("elsewhere until a replica that has come has caught up once, and again when it is another", async () => {
    const world = new World();
    for (let round = 0; round < 2; round++) {
      world.replica = {};
      const { promise, resolve } = Promise.withResolvers<void>();
      world.barrier = () => promise;
      assert.equal(await world.ask(), "elsewhere");
      assert.equal(world.shard.isReadHere, false);
      resolve();
      await promise;
      assert.equal(world.shard.isReadHere, true);
      assert.equal(await world.ask(), "here");
    }
  });

  test("elsewhere when nobody confirms the barrier here; without other homes that is told", async () => {
    const world = new World();
    assert.equal(await world.ask(), "here");
    world.barrier = () => Promise.reject(new StoreError("Unavailable", "no quorum"));
    assert.equal(await world.ask(), "elsewhere");
    world.hasHome = false;
    await assert.rejects(world.ask(), { message: "no quorum" });
  });

  test("here, however long it takes, when there is no other home", async () => {
    const world = new World();
    world.hasHome = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    world.barrier = () => promise;
    const asked = world.ask();
    resolve();
    assert.equal(await asked, "here");
  });
});
