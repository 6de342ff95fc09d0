import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Clock } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets at least so much of the clock's monotonic time go by. */
  readonly advance: (durationMs: number) => Promise<void>;
}

export type MakeClock = (context: TestContext) => ClockUnderTest;

/** Every promise of the Clock port. */
export function clockContract(name: string, makeClock: MakeClock): void {
  test(`${name}: monotonic time goes on and never back`, async (t) => {
    const { clock, advance } = makeClock(t);
    let lastMs = clock.monotonicMs();
    for (let i = 0; i < 5; i++) {
      const startMs = lastMs;
      await advance(3);
      const nowMs = clock.monotonicMs();
      assert.ok(nowMs >= startMs + 3, `${startMs} -> ${nowMs}`);
      lastMs = nowMs;
    }
  });

  test(`${name}: wall time is milliseconds since 1970`, (t) => {
    const { clock } = makeClock(t);
    assert.ok(clock.wallMs() > Date.UTC(2020, 0) && clock.wallMs() < Date.UTC(2200, 0));
  });

  test(`${name}: after runs once, no sooner than asked for, never within the call`, async (t) => {
    const { clock, advance } = makeClock(t);
    const delays = [0, 0.4, 1, 2.5, 7, 12];
    const firedMs: number[][] = delays.map(() => []);
    const startMs = clock.monotonicMs();
    for (const [i, delayMs] of delays.entries())
      clock.after(delayMs, () => firedMs[i]?.push(clock.monotonicMs() - startMs));
    assert.ok(firedMs.every((times) => times.length === 0));
    await advance(40);
    for (const [i, times] of firedMs.entries()) {
      assert.equal(times.length, 1);
      assert.ok((times[0] ?? -1) >= (delays[i] ?? 0), `asked for ${delays[i]} ms, got ${times[0]}`);
    }
  });

  test(`${name}: a cancelled timer never fires; cancelling twice, or too late, does nothing`, async (t) => {
    const { clock, advance } = makeClock(t);
    let fired = 0;
    const cancelled = clock.after(1, () => fired++);
    const kept = clock.after(1, () => fired++);
    cancelled.cancel();
    cancelled.cancel();
    await advance(20);
    assert.equal(fired, 1);
    kept.cancel();
    await advance(5);
    assert.equal(fired, 1);
  });

  test(`${name}: a delay beyond 2^31 ms is not taken for none`, async (t) => {
    const { clock, advance } = makeClock(t);
    let fired = 0;
    const timer = clock.after(2 ** 31 + 5, () => fired++);
    await advance(5);
    assert.equal(fired, 0);
    timer.cancel();
  });

  test(`${name}: soon runs behind what is due, in order, never within the call`, async (t) => {
    const { clock, advance } = makeClock(t);
    const order: string[] = [];
    clock.soon(() => {
      order.push("first");
      clock.soon(() => order.push("third"));
      void Promise.resolve().then(() => order.push("promise of the first"));
    });
    clock.soon(() => order.push("second"));
    assert.deepEqual(order, []);
    await advance(5);
    assert.deepEqual(order, ["first", "promise of the first", "second", "third"]);
  });

  test(`${name}: sleep ends with its time or its signal`, async (t) => {
    const { clock, advance } = makeClock(t);
    const ended: string[] = [];
    const controller = new AbortController();
    void sleep(clock, 2).then(() => ended.push("slept"));
    void sleep(clock, 60_000, controller.signal).then(() => ended.push("woken"));
    await advance(20);
    assert.deepEqual(ended, ["slept"]);
    controller.abort();
    void sleep(clock, 60_000, controller.signal).then(() => ended.push("not begun"));
    await advance(1);
    assert.deepEqual(ended, ["slept", "woken", "not begun"]);
  });
}
