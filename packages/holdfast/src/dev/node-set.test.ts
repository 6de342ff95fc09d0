import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Failure } from "../command-line/failure.ts";
import type { ServedAt } from "../server/ready-line.ts";
import type { ChildEnd, NodeEnvironment, NodeProcess } from "./node-process.ts";
import type { NodeSetOptions } from "./node-set.ts";
import { NodeSet } from "./node-set.ts";
import type { DevPlan } from "./plan.ts";

/** A process that gets ready and ends when the test says so, and ends when it is asked to. */
class FakeProcess implements NodeProcess {
  readonly pid = 1;
  readonly #ready = Promise.withResolvers<ServedAt>();
  readonly #ended = Promise.withResolvers<ChildEnd>();
  readonly ready = this.#ready.promise;
  readonly ended = this.#ended.promise;
  readonly signals: NodeJS.Signals[] = [];

  constructor() {
    this.ready.catch(() => undefined);
  }

  becomeReady(name: string): void {
    this.#ready.resolve({ s3: `s3-${name}`, http: `http-${name}` });
  }

  fail(message: string): void {
    this.#ready.reject(new Failure(message, { code: "PortInUse", next: "choose another" }));
  }

  end(signal: NodeJS.Signals): void {
    this.#ended.resolve({ code: null, signal });
  }

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    this.end(signal);
  }
}

interface Launched {
  readonly args: readonly string[];
  readonly environment: NodeEnvironment | undefined;
  readonly process: FakeProcess;
}

interface Fixture {
  readonly set: NodeSet;
  readonly launched: Launched[];
  readonly notes: string[];
  /** Resolves when so many were launched. */
  readonly untilLaunched: (count: number) => Promise<readonly FakeProcess[]>;
}

function planOf(kind: DevPlan["kind"], count: number): DevPlan {
  const node = (number: number) => ({ number, args: [`node-${number}`], config: `config-${number}` });
  return { kind, nodes: Array.from({ length: count }, (_, number) => node(number)) };
}

function fixture(plan: DevPlan, changes: Partial<NodeSetOptions> = {}): Fixture {
  const launched: Launched[] = [];
  const notes: string[] = [];
  let wake = Promise.withResolvers<void>();
  let tokens = 0;
  const set = new NodeSet({
    plan,
    respawn: false,
    issueToken: (http) => Promise.resolve(`token ${++tokens} of ${http}`),
    launch: (args, environment) => {
      const process = new FakeProcess();
      launched.push({ args, environment, process });
      wake.resolve();
      return process;
    },
    note: (text) => {
      notes.push(text);
      wake.resolve();
    },
    ...changes,
  });
  const untilLaunched = async (count: number): Promise<readonly FakeProcess[]> => {
    while (launched.length < count) {
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
    return launched.map(({ process }) => process);
  };
  return { set, launched, notes, untilLaunched };
}

suite("dev: all nodes", () => {
  test("of a new cluster the first is started alone; the others join with a token each, which no argument shows", async () => {
    const { set, launched, untilLaunched } = fixture(planOf("new", 3));
    const starting = set.start();
    const [first] = await untilLaunched(1);
    assert.equal(launched.length, 1);
    assert.equal(launched[0]?.environment, undefined);
    first?.becomeReady("0");
    const [, second, third] = await untilLaunched(3);
    assert.deepEqual(
      launched.slice(1).map(({ args, environment }) => [args, environment]),
      [1, 2].map((i) => [[`node-${i}`], { HOLDFAST_JOIN_TOKEN: `token ${i} of http-0` }]),
    );
    let isReady = false;
    void starting.then(() => (isReady = true));
    third?.becomeReady("2");
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!isReady);
    second?.becomeReady("1");
    assert.deepEqual(await starting, { s3: "s3-0", http: "http-0" });
  });

  test("of an existing cluster all are started at once, without a token", async () => {
    const { set, launched, untilLaunched } = fixture(planOf("existing", 3));
    const starting = set.start();
    assert.equal(launched.length, 3);
    const processes = await untilLaunched(3);
    processes.toReversed().forEach((process, i) => {
      process.becomeReady(`${2 - i}`);
    });
    assert.equal((await starting).s3, "s3-0");
    assert.ok(launched.every(({ environment }) => environment === undefined));
  });

  test("one that cannot start is named, with what to do; and all that run are stopped", async () => {
    const { set, launched, untilLaunched } = fixture(planOf("existing", 3));
    const starting = set.start();
    const [first, second] = await untilLaunched(3);
    first?.becomeReady("0");
    second?.fail("port 9010 is in use");
    await assert.rejects(starting, (error) => {
      assert.ok(error instanceof Failure && error.code === "PortInUse" && error.next === "choose another");
      return error.message === "node 1: port 9010 is in use";
    });
    await set.stop();
    for (const { process } of launched) assert.deepEqual(process.signals, ["SIGTERM"]);
  });

  test("one that ends stays down with a line that says how to start it, and the others go on", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { set, launched, notes, untilLaunched } = fixture(planOf("existing", 2));
    const starting = set.start();
    const [first, second] = await untilLaunched(2);
    first?.becomeReady("0");
    second?.becomeReady("1");
    await starting;
    second?.end("SIGKILL");
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(notes, [
      "node 1 ended (signal SIGKILL); it stays down; start it with: holdfast server --config config-1",
    ]);
    assert.equal(launched.length, 2);
    assert.deepEqual(first?.signals, []);
  });

  test("one that ends is started again when that was asked for, without its token", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { set, launched, notes, untilLaunched } = fixture(planOf("new", 2), { respawn: true });
    const starting = set.start();
    (await untilLaunched(1))[0]?.becomeReady("0");
    const [, second] = await untilLaunched(2);
    second?.becomeReady("1");
    await starting;
    second?.end("SIGKILL");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(launched.length, 2);
    t.mock.timers.tick(500);
    const again = (await untilLaunched(3))[2];
    assert.deepEqual([launched[2]?.args, launched[2]?.environment], [["node-1"], undefined]);
    again?.becomeReady("1b");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(notes, [
      "node 1 ended (signal SIGKILL); starting it again",
      "node 1 serves again: s3=s3-1b http=http-1b",
    ]);
    await set.stop();
    assert.deepEqual(again?.signals, ["SIGTERM"]);
    await new Promise((resolve) => setImmediate(resolve));
    t.mock.timers.tick(60_000);
    assert.deepEqual([launched.length, notes.length], [3, 2]);
  });

  test("a stop ends what was started, and nothing is started behind it", async () => {
    const token = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const { set, launched, untilLaunched } = fixture(planOf("new", 2), {
      issueToken: () => {
        asked.resolve();
        return token.promise;
      },
    });
    const starting = assert.rejects(set.start(), /is to stop/);
    (await untilLaunched(1))[0]?.becomeReady("0");
    await asked.promise;
    await set.stop();
    token.resolve("late");
    await starting;
    assert.equal(launched.length, 1);
  });

  test("who insists has all of them killed", async () => {
    const { set, launched, untilLaunched } = fixture(planOf("existing", 2));
    void set.start();
    await untilLaunched(2);
    set.kill();
    for (const { process } of launched) assert.deepEqual(process.signals, ["SIGKILL"]);
  });
});
