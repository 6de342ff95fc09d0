import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { attempt, encode, shardId, writerId } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import type { ShardCommand } from "@holdfast/shard";
import { ShardMachine, shardEntryCodec } from "@holdfast/shard";
import { BareLog } from "../../test-support/bare-log.ts";
import { SilentWriters } from "./silent-writers.ts";

const silentMs = 1000;

/** Writers 1 of node "gone" and 2 of node "live", opened at cluster time 0; the leader's own time is given apart. */
class World {
  readonly state = new MemoryState();
  readonly writers = new SilentWriters(silentMs);
  readonly #log = new BareLog(new ShardMachine(shardId(0), this.state));

  constructor() {
    for (const node of ["gone", "live"]) this.apply(1, { kind: "openWriter", node, run: "r" });
  }

  apply(timeMs: number, command: ShardCommand): void {
    void this.#log.append(encode(shardEntryCodec, { timeMs, command }));
  }

  hear(writer: number, timeMs: number): void {
    const progress = { floor: attempt(0), closed: [] };
    this.apply(timeMs, { kind: "publishProgress", writer: writerId(writer), progress });
  }

  look(nowMs: number): readonly number[] {
    const isLive = (node: string): boolean => node === "live";
    return this.writers.look(this.state, nowMs, isLive).map(({ writer }) => writer);
  }
}

describe("silent writers", () => {
  test("one of a node that is gone is found behind its time, by cluster time and by the leader's watch", () => {
    const world = new World();
    assert.deepEqual(world.look(0), []);
    world.hear(2, 2000);
    assert.deepEqual(world.look(999), [], "the leader has not watched long enough");
    assert.deepEqual(world.look(1000), [1]);
    const still = new World();
    still.look(0);
    still.hear(2, 900);
    assert.deepEqual(still.look(5000), [], "cluster time has not come so far");
  });

  test("one of a live node never is, however silent", () => {
    const world = new World();
    world.look(0);
    world.hear(1, 100_000);
    assert.deepEqual(world.look(100_000), []);
  });

  test("the watch begins anew with a new leader, and with every sign of the writer (S15)", () => {
    const world = new World();
    world.look(0);
    world.hear(2, 2000);
    world.writers.onNotLeading();
    assert.deepEqual(world.look(1500), []);
    assert.deepEqual(world.look(2499), []);
    world.hear(1, 2001);
    world.hear(2, 9000);
    assert.deepEqual(world.look(2600), []);
    assert.deepEqual(world.look(3599), []);
    assert.deepEqual(world.look(3600), [1]);
  });
});
