import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AssertionError, seededRandom } from "@holdfast/base";
import { CollectingJournal, SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { GrowingPause, Rounds } from "./rounds.ts";

function world() {
  const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const simulation = new Simulation({ random: seededRandom(1), drain });
  return { simulation, clock: new SimulatedClock(simulation), journal: new CollectingJournal() };
}

describe("work in rounds", () => {
  test("waits as long as the round before it said; one that fails ends alone", async () => {
    const { simulation, ...parts } = world();
    const begun: number[] = [];
    const rounds = new Rounds(parts, "work", () => {
      begun.push(simulation.nowMs);
      return begun.length === 2 ? Promise.reject(new Error("no")) : Promise.resolve(300);
    });
    const startMs = simulation.nowMs;
    rounds.start(100);
    await simulation.runFor(1000);
    assert.deepEqual(
      begun.map((ms) => ms - startMs),
      [100, 400, 500, 800],
    );
    assert.deepEqual(
      parts.journal.lines.map(({ event }) => event),
      ["work interrupted"],
    );
    await rounds.stop();
  });

  test("a stop waits for the round under way, and none follows", async () => {
    const { simulation, ...parts } = world();
    const ending = Promise.withResolvers<number>();
    let count = 0;
    const rounds = new Rounds(parts, "work", () => {
      count++;
      return ending.promise;
    });
    rounds.start(10);
    await simulation.runFor(50);
    assert.ok(!rounds.signal.aborted);
    let isStopped = false;
    const stopped = rounds.stop().then(() => {
      isStopped = true;
    });
    await simulation.runFor(50);
    assert.deepEqual([isStopped, rounds.signal.aborted], [false, true]);
    ending.resolve(10);
    await simulation.runUntilSettled(stopped);
    await simulation.runFor(1000);
    assert.equal(count, 1);
  });

  test("a broken invariant is no failure to go on behind", async () => {
    const { simulation, ...parts } = world();
    const ending = Promise.withResolvers<number>();
    const rounds = new Rounds(parts, "work", () => ending.promise);
    rounds.start(10);
    await simulation.runFor(50);
    const stopped = assert.rejects(rounds.stop(), AssertionError);
    ending.reject(new AssertionError("broken"));
    await simulation.runUntilSettled(stopped);
    assert.deepEqual(parts.journal.lines, []);
  });

  test("the pause doubles, up to its bound, while something is left undone, and is short again afterwards", () => {
    const pause = new GrowingPause(100, 350);
    const rounds = [false, false, false, false, true, false, false];
    assert.deepEqual(
      rounds.map((isDone) => pause.after(isDone)),
      [100, 200, 350, 350, 100, 100, 200],
    );
  });
});
