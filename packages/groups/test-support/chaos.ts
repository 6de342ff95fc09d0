/** Clients and faults on a world of three nodes, all by one seed, and what must hold whatever happens. */

import assert from "node:assert/strict";
import { chance, StoreError, uniform, utf8 } from "@holdfast/base";
import type { ProtocolName, TestNode } from "./world.ts";
import { World } from "./world.ts";

export class Chaos {
  readonly world: World;
  readonly acknowledged = new Set<string>();
  readonly refused = new Set<string>();
  readonly unknown = new Set<string>();
  reads = 0;
  #nextText = 0;
  readonly #open = new Set<Promise<void>>();

  private constructor(world: World) {
    this.world = world;
  }

  static async start(protocol: ProtocolName, seed: number): Promise<Chaos> {
    const world = await World.start({
      seed,
      breakChance: 0.002,
      segmentBytes: 1024 * 1024,
      limits: { commitWaitMs: 2000, readWaitMs: 2000, proposeWaitMs: 500 },
    });
    await world.openGroup(protocol);
    return new Chaos(world);
  }

  /** For so long: appends, reads and faults, the faults ended by their opposite or left. */
  async run(steps: number): Promise<void> {
    const { world } = this;
    for (let step = 0; step < steps; step++) {
      if (chance(world.random, 0.8)) this.#append();
      if (chance(world.random, 0.3)) this.#read();
      if (chance(world.random, 0.08)) this.#strike();
      if (chance(world.random, 0.05)) await this.#mend();
      // Sometimes long enough to rest.
      await world.simulation.runFor(chance(world.random, 0.03) ? 3000 : uniform(world.random, 40));
    }
  }

  /** All faults end; everything settles; the group serves, and all states are equal. */
  async settle(): Promise<void> {
    const { world } = this;
    world.switch.healAll();
    for (const node of world.nodes) if (!node.isRunning) await world.run(node.start());
    await this.#appendEnd();
    const isDone = (node: TestNode): boolean => node.machine().texts.at(-1) === "end";
    await world.until(() => world.nodes.every(isDone), "all have everything", 30_000);
    await world.untilResting();
  }

  check(): void {
    const [first, ...others] = this.world.nodes.map((node) => node.machine().texts);
    assert.ok(first !== undefined);
    for (const texts of others) assert.deepEqual(texts, first);
    assert.equal(new Set(first).size, first.length, "nothing was applied twice");
    const applied = new Set(first);
    for (const text of this.acknowledged) assert.ok(applied.has(text), `${text} was acknowledged`);
    for (const text of this.refused) assert.ok(!applied.has(text), `${text} was refused`);
  }

  /** Whatever is still on its way is refused or stands before it. */
  async #appendEnd(): Promise<void> {
    const { world } = this;
    await world.run(Promise.all(this.#open));
    for (;;) {
      const leader = await world.leader();
      const error = await world.run(
        leader
          .group()
          .append(utf8("end"))
          .then(
            () => undefined,
            (cause: unknown) => cause,
          ),
      );
      if (error === undefined) return;
      assert.ok(error instanceof StoreError && error.outcome === "not-applied");
      await world.simulation.runFor(100);
    }
  }

  #append(): void {
    const node = chance(this.world.random, 0.7) ? this.world.leaderNow() : this.#running();
    if (node === undefined) return;
    const text = `${this.#nextText++}`.padEnd(uniform(this.world.random, 3000), "-");
    this.#follow(node.group().append(utf8(text)), (outcome) => {
      const set = { applied: this.acknowledged, "not-applied": this.refused, unknown: this.unknown }[outcome];
      set.add(text);
    });
  }

  /** What was acknowledged before the read began is there when it is answered. */
  #read(): void {
    const node = this.#running();
    if (node === undefined) return;
    const before = [...this.acknowledged];
    const machine = node.machine();
    this.#follow(Promise.resolve(node.group().readBarrier()), (outcome) => {
      if (outcome !== "applied") return;
      this.reads++;
      const shown = new Set(machine.texts);
      for (const text of before) assert.ok(shown.has(text), `a read shows ${text.slice(0, 6)}`);
    });
  }

  #follow(promise: Promise<unknown>, onEnd: (outcome: "applied" | "not-applied" | "unknown") => void): void {
    const ended = promise.then(
      () => onEnd("applied"),
      (error: unknown) => {
        assert.ok(error instanceof StoreError);
        onEnd(error.outcome);
      },
    );
    this.#open.add(ended);
    void ended.finally(() => this.#open.delete(ended));
  }

  #strike(): void {
    const { world } = this;
    const { random } = world;
    const victim = world.node(1 + uniform(random, 3));
    const other = world.follower(victim);
    switch (uniform(random, 6)) {
      case 0:
        return this.#crash(victim, () => victim.kill());
      case 1:
        return this.#crash(victim, () => victim.powerLoss());
      case 2:
        return world.switch.cut(victim.id, other.id);
      case 3:
        return world.switch.partition(
          [victim.id],
          world.others(victim).map(({ id }) => id),
        );
      case 4:
        if (victim.isRunning) victim.checkpoint();
        return;
      case 5:
        if (victim.isRunning) victim.group().transferLeader(other.group().replica);
    }
  }

  async #mend(): Promise<void> {
    this.world.switch.healAll();
    for (const node of this.world.nodes) if (!node.isRunning) await this.world.run(node.start());
  }

  /** Whoever waits for a dead process is told nothing: its outcome stays unknown. */
  #crash(victim: TestNode, crash: () => void): void {
    if (!victim.isRunning) return;
    this.#open.clear();
    crash();
  }

  #running(): TestNode | undefined {
    const running = this.world.nodes.filter((node) => node.isRunning);
    return running.length === 0 ? undefined : running[uniform(this.world.random, running.length)];
  }
}
