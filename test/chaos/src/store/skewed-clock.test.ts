/** In a real process, which is loaded with it as nodes are. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { ClockSkew } from "./clock-skew.ts";

const preload = new URL("skewed-clock.ts", import.meta.url).href;
const deadlineMs = 30_000;
/** Tells what its clocks show whenever it is told how they are wrong. */
const program = `
  import { realClock } from "@holdfast/host";
  const look = () => ({
    hostMs: realClock.wallMs(),
    monotonicMs: realClock.monotonicMs(),
    rightMs: Number(process.hrtime.bigint()) / 1e6,
    dateMs: new Date().getTime(),
    callMs: Date.parse(Date()),
    isDate: new Date() instanceof Date && new Date(5).constructor === Date && new Date(5).getTime() === 5,
  });
  // The channel alone does not keep a process from ending.
  setInterval(() => undefined, 60_000);
  process.on("message", () => process.send(look()));
  process.send(look());
`;

interface Seen {
  readonly hostMs: number;
  readonly monotonicMs: number;
  /** By a clock that nobody reads but this test. */
  readonly rightMs: number;
  readonly dateMs: number;
  readonly callMs: number;
  readonly isDate: boolean;
}

class Child {
  readonly #process: ReturnType<typeof spawn>;

  constructor(t: TestContext, first: ClockSkew | undefined) {
    const flags = [
      "--conditions=holdfast-source",
      "--disable-warning=ExperimentalWarning",
      "--import",
      preload,
    ];
    this.#process = spawn(process.execPath, [...flags, "--input-type=module", "--eval", program], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: {
        ...process.env,
        ...(first === undefined ? {} : { HOLDFAST_CHAOS_CLOCK: JSON.stringify(first) }),
      },
    });
    t.after(() => this.#process.kill("SIGKILL"));
  }

  async seen(): Promise<Seen> {
    const [seen] = (await once(this.#process, "message", {
      signal: AbortSignal.timeout(deadlineMs),
    })) as [Seen];
    return seen;
  }

  /** What it shows then. */
  told(skew: ClockSkew): Promise<Seen> {
    this.#process.send(skew);
    return this.seen();
  }
}

/** To within what a message may take. */
function assertAhead(seen: Seen, aheadMs: number): void {
  for (const each of [seen.hostMs, seen.dateMs, seen.callMs])
    assert.ok(Math.abs(each - Date.now() - aheadMs) < 10_000, `${each - Date.now()} ms`);
  assert.ok(seen.isDate);
}

test("a process sees the wall clock that it was started with, and each one it is told of", async (t) => {
  const child = new Child(t, { aheadMs: 240_000, rate: 1 });
  assertAhead(await child.seen(), 240_000);
  assertAhead(await child.told({ aheadMs: -120_000, rate: 1 }), -120_000);
  assertAhead(await child.told({ aheadMs: 0, rate: 1 }), 0);
});

test("a process that is told nothing has the right time", async (t) => {
  assertAhead(await new Child(t, undefined).seen(), 0);
});

test("a process sees its monotonic clock run at another rate, and go on from there", async (t) => {
  const child = new Child(t, undefined);
  await child.seen();
  const before = await child.told({ aheadMs: 0, rate: 1000 });
  const after = await child.told({ aheadMs: 0, rate: 1000 });
  const later = await child.told({ aheadMs: 0, rate: 1 });
  const [fastMs, rightMs] = [after.monotonicMs - before.monotonicMs, after.rightMs - before.rightMs];
  assert.ok(fastMs > 100 * rightMs, `${fastMs} ms in ${rightMs} ms`);
  assert.ok(later.monotonicMs >= after.monotonicMs);
  assertAhead(later, 0);
});
