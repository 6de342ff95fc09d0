import assert from "node:assert/strict";
import { test } from "node:test";
import { groupId, seededRandom, text, toHex, uniform, utf8 } from "@holdfast/base";
import type { KeyValue } from "@holdfast/ports";
import type { Fate } from "@holdfast/ports/simulated";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import {
  applyEntry,
  applyUpTo,
  assertExact,
  contentsOf,
  expectedContents,
  newDisk,
  openStates,
  positionAt,
} from "../test-support/entries.ts";
import type { KeptSnapshot } from "../test-support/snapshots.ts";
import { keptSnapshot, sent } from "../test-support/snapshots.ts";
import type { GroupState } from "./group-state.ts";
import { StateSnapshotError } from "./snapshot-format.ts";
import { initialPosition } from "./state-position.ts";
import { StateStore } from "./state-store.ts";
import { StateCorruptError } from "./stored-value.ts";

const group = groupId(1);
const neighbours = [groupId(0), groupId(2)];

async function snapshotAt(index: number): Promise<KeptSnapshot> {
  const state = openStates(newDisk(1)).group(group);
  applyUpTo(state, index);
  return keptSnapshot(state);
}

/** More pairs than are removed at once, and with large values more bytes than are written at once. */
async function largeSnapshotAt(index: number, largeValues: number): Promise<KeptSnapshot> {
  const state = openStates(newDisk(1)).group(group);
  const random = seededRandom(index);
  applyUpTo(state, index - 1);
  for (let i = 0; i < 300; i++) state.put(utf8(`small-${i}`), random.bytes(5));
  for (let i = 0; i < largeValues; i++) state.put(utf8(`large-${i}`), random.bytes(140_000));
  state.advance(positionAt(index));
  return keptSnapshot(state);
}

const stage = (state: GroupState, { position, chunks }: KeptSnapshot): ReturnType<GroupState["stage"]> =>
  state.stage(position, sent(chunks));

/** Where the keys of the group's pairs begin, and how many there are of each. */
function storedGenerations(store: KeyValue): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const table = (from: readonly number[], bytes: number): void => {
    for (const { key } of store.range({
      from: Uint8Array.from(from),
      to: Uint8Array.from([...from, 0xff, 0xff]),
    })) {
      const prefix = key.subarray(0, bytes).join(".");
      counts[prefix] = (counts[prefix] ?? 0) + 1;
    }
  };
  table([1, 0, 0, 0, group], 5);
  table([3, 0, 0, 0, group], 9);
  return counts;
}

test("generations: a staged snapshot lies beside the state, and becomes it when it is installed", async () => {
  const disk = newDisk(1);
  const store = openStates(disk);
  const state = store.group(group);
  applyUpTo(state, 5);
  for (const neighbour of neighbours) applyUpTo(store.group(neighbour), 7);
  const staged = await stage(state, await snapshotAt(12));
  assert.deepEqual(staged.position, positionAt(12));
  assert.equal(state.staged, staged);
  assertExact(state);
  applyUpTo(state, 8);
  assertExact(state);
  await staged.install();
  assert.equal(state.staged, undefined);
  assert.deepEqual(state.applied, positionAt(12));
  assertExact(state);
  applyUpTo(state, 20);
  assertExact(state);
  await store.flush();
  await state.garbageRemoved();
  disk.powerLoss();
  const reopened = openStates(disk);
  for (const id of [group, ...neighbours]) assertExact(reopened.group(id));
  assert.deepEqual(Object.keys(storedGenerations(disk)), ["3.0.0.0.1.0.0.0.1"]);
});

test("generations: golden keys and values of an installed and a staged generation", async () => {
  const sender = openStates(newDisk(1)).group(group);
  sender.put(utf8("key"), utf8("value"));
  sender.advance(positionAt(1));
  const first = await keptSnapshot(sender);
  sender.advance(positionAt(2));
  const disk = newDisk(1);
  const state = openStates(disk).group(group);
  await (await stage(state, first)).install();
  await stage(state, await keptSnapshot(sender));
  const stored = Array.from(disk.range({ from: new Uint8Array(0) }), ({ key, value }) => [
    toHex(key),
    toHex(value),
  ]);
  assert.deepEqual(stored, [
    ["0200000001", "8b85652602010100b34d60dda2ecaba201"],
    ["0300000001000000016b6579", "66eea7cb76616c7565"],
    ["0300000001000000026b6579", "66eea7cb76616c7565"],
    ["0400000001", "6b6e5ae902020100b34d60dda2ecaba202"],
  ]);
});

test("generations: what is remembered of the state before ends with it: records, the last look, digest walks", async () => {
  const state = openStates(newDisk(1)).group(group);
  const key = utf8("key-of-the-state-before");
  state.keepRecord(text, key, "kept");
  state.put(utf8("last"), utf8("looked up last"));
  state.advance(positionAt(1));
  const walks = [state.walkDigest(), state.walkDigest()];
  assert.equal(walks[0]?.step(1).matches, undefined);
  const staged = await stage(state, await snapshotAt(12));
  state.keepRecord(text, key, "kept, and in no buffer");
  state.get(utf8("last"));
  const installing = staged.install();
  state.remove(utf8("last"));
  await installing;
  assert.equal(state.getRecord(text, key), undefined);
  assert.equal(state.get(utf8("last")), undefined);
  state.put(utf8("last"), utf8("new"));
  state.remove(utf8("last"));
  for (const walk of walks)
    assert.deepEqual(walk.step(1000), { pairs: 0, bytes: 0, damagedKeys: [], matches: true });
  assertExact(state);
  assert.equal(state.walkDigest().step(1000).matches, true);
});

test("generations: a second snapshot replaces the first when it is whole, not before", async () => {
  const disk = newDisk(1);
  const state = openStates(disk).group(group);
  applyUpTo(state, 5);
  const first = await stage(state, await snapshotAt(12));
  const { position, chunks } = await snapshotAt(15);
  await assert.rejects(state.stage(position, sent(chunks.slice(0, -1))), StateSnapshotError);
  assert.equal(state.staged, first);
  const second = await state.stage(position, sent(chunks));
  assert.equal(state.staged, second);
  await first.discard();
  assert.equal(state.staged, second, "it is not the first's to discard");
  await assert.rejects(first.install());
  await second.install();
  assertExact(state);
  assert.equal(state.appliedIndex, 15);
  await state.garbageRemoved();
  assert.equal(Object.keys(storedGenerations(disk)).length, 1);
});

test("generations: a state is not replaced by an earlier one", async () => {
  const state = openStates(newDisk(1)).group(group);
  const staged = await stage(state, await snapshotAt(12));
  applyUpTo(state, 12);
  await assert.rejects(staged.install());
  assert.equal(state.staged, staged);
  await staged.discard();
  assert.equal(state.staged, undefined);
  assertExact(state);
});

test("generations: damage in an installed state is found like in any other (S12)", async () => {
  const disk = newDisk(1);
  const state = openStates(disk).group(group);
  await (await stage(state, await snapshotAt(12))).install();
  const [pair] = disk.range({ from: Uint8Array.of(3), limit: 1 });
  assert.ok(pair !== undefined);
  disk.rot(pair.key);
  const key = pair.key.subarray(9);
  assert.throws(() => openStates(disk).group(group).get(key), StateCorruptError);
  assert.deepEqual(openStates(disk).group(group).walkDigest().step(1000).damagedKeys, [key]);
});

test("generations: a group that is forgotten leaves nothing, and can be joined anew, at once or later", async () => {
  for (const joins of ["at once", "later", "after an open"]) {
    const disk = newDisk(1);
    const store = openStates(disk);
    for (const neighbour of neighbours) applyUpTo(store.group(neighbour), 7);
    const state = store.group(group);
    await (await stage(state, await snapshotAt(12))).install();
    applyUpTo(state, 14);
    await stage(state, await snapshotAt(15));
    const forgetting = store.forget(group);
    if (joins === "at once") {
      while (state.appliedIndex > 0) await Promise.resolve();
      applyUpTo(state, 3);
    }
    await forgetting;
    if (joins !== "at once") {
      await store.flush();
      assert.deepEqual(storedGenerations(disk), {});
      assert.equal(disk.get(Uint8Array.of(2, 0, 0, 0, group)), undefined);
      assert.equal(disk.get(Uint8Array.of(4, 0, 0, 0, group)), undefined);
      assert.deepEqual(contentsOf(state).applied, initialPosition);
    }
    assert.equal(state.staged, undefined);
    const joined = joins === "after an open" ? openStates(disk) : store;
    applyUpTo(joined.group(group), 4);
    await joined.flush();
    disk.powerLoss();
    for (const id of [group, ...neighbours]) assertExact(openStates(disk).group(id));
  }
});

test("generations: after a record could not be written nothing that may count is removed", async () => {
  const disk = newDisk(1);
  const store = openStates(disk);
  const state = store.group(group);
  applyUpTo(state, 5);
  await store.flush();
  const staged = await stage(state, await snapshotAt(12));
  disk.failNextWrite();
  await assert.rejects(staged.install());
  await state.garbageRemoved();
  const reopened = openStates(disk).group(group);
  assertExact(reopened);
  assert.equal(reopened.appliedIndex, 5);
  disk.failNextWrite();
  await assert.rejects(async () => reopened.staged?.discard());
  await reopened.garbageRemoved();
  const again = openStates(disk).group(group);
  await again.staged?.install();
  assert.equal(again.appliedIndex, 12);
  assertExact(again);
  await again.garbageRemoved();
  disk.failNextWrite();
  await assert.rejects(stage(again, await snapshotAt(15)));
  await again.forget();
  assert.deepEqual(storedGenerations(disk), {});
  assert.deepEqual(contentsOf(openStates(disk).group(group)).contents, []);
});

type Step =
  | "stage first"
  | "stage second"
  | "install"
  | "discard"
  | "forget"
  | "apply"
  | "flush"
  | "settle"
  | "open";

/** Names of a state and of one that lies staged beside it. */
interface Outcome {
  readonly state: string;
  readonly staged: string | undefined;
}

const scenarios: readonly (readonly Step[])[] = [
  ["stage first", "install", "settle", "stage second", "install", "settle"],
  ["stage first", "discard", "settle", "stage second", "open", "install", "settle"],
  ["stage first", "stage second", "settle", "install", "open", "settle"],
  ["stage first", "apply", "install", "stage second", "open", "discard", "settle"],
  ["stage first", "install", "stage second", "forget", "stage second", "install", "settle"],
  ["forget", "stage first", "install", "forget", "open", "settle"],
  ["apply", "flush", "stage first", "install", "apply", "flush", "settle"],
];

/** What may be found after a crash once these steps were done, if each change of a state were one moment. */
function outcomesOf(steps: readonly Step[]): readonly Outcome[] {
  const outcomes: Outcome[] = [{ state: "5", staged: undefined }];
  let now: Outcome = { state: "5", staged: undefined };
  for (const step of steps) {
    if (step === "stage first") now = { ...now, staged: "12" };
    if (step === "stage second") now = { ...now, staged: "15" };
    if (step === "install") now = { state: now.staged ?? "none", staged: undefined };
    if (step === "discard") now = { ...now, staged: undefined };
    if (step === "forget") now = { state: "0", staged: undefined };
    if (step === "apply") now = { ...now, state: `${Number(now.state) + 1}` };
    outcomes.push(now);
  }
  return outcomes;
}

/** The store, whose process dies before or amid its nth write or flush. */
class CrashingStore {
  readonly disk: SimulatedKeyValue;
  readonly #crash: () => void;
  readonly #at: number;
  #moments = 0;
  readonly crashed: Promise<"crashed">;

  constructor(disk: SimulatedKeyValue, at: number, crash: (disk: SimulatedKeyValue) => void) {
    const { promise, resolve } = Promise.withResolvers<"crashed">();
    this.disk = disk;
    this.#at = at;
    this.crashed = promise;
    this.#crash = () => {
      crash(disk);
      resolve("crashed");
    };
  }

  open(): StateStore {
    const mounted = this.disk.mount();
    const store: KeyValue = {
      get: (key) => mounted.get(key),
      peek: (key) => mounted.peek(key),
      range: (range) => mounted.range(range),
      openSnapshot: () => mounted.openSnapshot(),
      write: (batch) => this.#witnessed(() => mounted.write(batch)),
      flush: () => this.#witnessed(() => mounted.flush()),
      close: () => mounted.close(),
    };
    return new StateStore(store, simulatedHashing);
  }

  async #witnessed(call: () => Promise<void>): Promise<void> {
    this.#moment();
    const calling = call();
    this.#moment();
    await calling;
  }

  #moment(): void {
    if (this.#moments++ === this.#at) this.#crash();
  }
}

interface Snapshots {
  readonly first: KeptSnapshot;
  readonly second: KeptSnapshot;
  /** Contents by name. */
  readonly known: ReadonlyMap<string, unknown>;
}

async function takeStep(
  step: Step,
  crashing: CrashingStore,
  store: StateStore,
  all: Snapshots,
): Promise<StateStore> {
  const state = store.group(group);
  switch (step) {
    case "stage first":
      await stage(state, all.first);
      return store;
    case "stage second":
      await stage(state, all.second);
      return store;
    case "install":
      await state.staged?.install();
      return store;
    case "discard":
      await state.staged?.discard();
      return store;
    case "forget":
      await store.forget(group);
      return store;
    case "apply":
      applyEntry(state, state.appliedIndex + 1);
      return store;
    case "flush":
      await store.flush();
      return store;
    case "settle":
      await state.garbageRemoved();
      return store;
    case "open":
      return crashing.open();
  }
}

/** Steps done when the process died; all, if it did not. */
async function runSteps(steps: readonly Step[], crashing: CrashingStore, all: Snapshots): Promise<number> {
  let done = 0;
  const run = async (): Promise<"done"> => {
    let store = crashing.open();
    for (const step of steps) {
      store = await takeStep(step, crashing, store, all);
      done++;
    }
    return "done";
  };
  const running = run();
  running.catch(() => undefined);
  await Promise.race([crashing.crashed, running]);
  return done;
}

function summary(state: GroupState): unknown {
  assert.deepEqual(state.recomputeDigest(), state.digest);
  const { digest, applied, contents } = contentsOf(state);
  return { digest, applied, pairs: contents.length };
}

async function prepared(): Promise<SimulatedKeyValue> {
  const disk = newDisk(1);
  const store = openStates(disk);
  applyUpTo(store.group(group), 5);
  for (const neighbour of neighbours) applyUpTo(store.group(neighbour), 7);
  await store.flush();
  return disk;
}

/** Everything that may be found, by name. */
async function preparedSnapshots(): Promise<Snapshots> {
  const [first, second] = [await largeSnapshotAt(12, 2), await largeSnapshotAt(15, 0)];
  const known = new Map<string, unknown>();
  for (const kept of [first, second]) {
    const state = openStates(newDisk(1)).group(group);
    await (await stage(state, kept)).install();
    known.set(`${kept.position.index}`, summary(state));
    applyEntry(state, state.appliedIndex + 1);
    known.set(`${state.appliedIndex}`, summary(state));
  }
  const small = openStates(newDisk(1)).group(group);
  known.set("0", summary(small));
  for (const index of [5, 6, 7]) {
    applyUpTo(small, index);
    known.set(`${index}`, summary(small));
  }
  return { first, second, known };
}

const byNumber = (a: number, b: number): number => a - b;

/** The state is exactly one that may be found, `staged` says the truth, and what is of neither goes. */
async function checkAfterCrash(
  disk: SimulatedKeyValue,
  allowed: readonly Outcome[],
  { known, second }: Snapshots,
): Promise<void> {
  const store = openStates(disk);
  const state = store.group(group);
  const found = { state: `${state.appliedIndex}`, staged: state.staged?.position.index.toString() };
  const isAllowed = allowed.some(
    (outcome) => outcome.state === found.state && outcome.staged === found.staged,
  );
  assert.ok(isAllowed, `${JSON.stringify(found)} found, of ${JSON.stringify(allowed)}`);
  assert.deepEqual(summary(state), known.get(found.state));
  for (const neighbour of neighbours) assertExact(store.group(neighbour));
  await state.garbageRemoved();
  const kept = [found.state, ...(found.staged === undefined ? [] : [found.staged])].map(
    (name) => (known.get(name) as { readonly pairs: number }).pairs,
  );
  const counts = Object.values(storedGenerations(disk));
  const expected = kept.filter((count) => count > 0);
  assert.deepEqual(counts.sort(byNumber), expected.sort(byNumber), "garbage is gone");
  if (state.staged !== undefined && state.staged.position.index > state.appliedIndex) {
    await state.staged.install();
    assert.deepEqual(summary(state), known.get(found.staged ?? ""));
  } else await state.staged?.discard();
  if (state.appliedIndex < 15) await (await stage(state, second)).install();
  await state.garbageRemoved();
  await store.flush();
  disk.powerLoss();
  assert.equal(Object.keys(storedGenerations(disk)).length, 1);
  assert.ok(openStates(disk).group(group).appliedIndex >= 12, "it goes on");
  for (const neighbour of neighbours) assertExact(openStates(disk).group(neighbour));
}

const keepsAll: Fate = { begin: () => undefined, kept: (count) => count };
const keepsNothing: Fate = { begin: () => undefined, kept: () => 0 };

const crashes: Readonly<Record<string, (disk: SimulatedKeyValue, at: number) => void>> = {
  "the process dies": (disk) => disk.kill(),
  "power is lost with all that was not flushed": (disk) => disk.powerLoss(keepsNothing),
  "power is lost, and chance decides": (disk, at) => {
    const random = seededRandom(at);
    disk.powerLoss({ ...keepsAll, kept: (count) => uniform(random, count + 1) });
  },
};

for (const steps of scenarios) {
  test(`generations: a crash anywhere leaves the state before or behind a step: ${steps.join(", ")}`, async () => {
    const [disk, all] = [await prepared(), await preparedSnapshots()];
    const outcomes = outcomesOf(steps);
    for (const [what, crash] of Object.entries(crashes)) {
      let done = 0;
      for (let at = 0; done < steps.length; at++) {
        const forked = disk.fork({ random: seededRandom(at) });
        const crashing = new CrashingStore(forked, at, (dying) => crash(dying, at));
        done = await runSteps(steps, crashing, all);
        const durable = lastDurable(steps, done);
        try {
          await checkAfterCrash(forked, outcomes.slice(durable, done + 2), all);
        } catch (error) {
          throw new Error(`${what} at moment ${at}, behind ${done} steps`, { cause: error });
        }
        assert.ok(at < 1000);
      }
    }
  });
}

/** The last of the steps done that resolves when it is durable. */
function lastDurable(steps: readonly Step[], done: number): number {
  for (let i = done; i > 0; i--) if (steps[i - 1] !== "apply") return i;
  return 0;
}

test("generations: stages, installs, discards and forgets of any order, with entries between, end like a model of them", async () => {
  const snapshots = new Map<number, KeptSnapshot>();
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const disk = newDisk(seed);
    let store = openStates(disk);
    for (let step = 0; step < 25; step++) {
      const state = store.group(group);
      const later = state.appliedIndex + 1 + uniform(random, 4);
      const kept = snapshots.get(later) ?? (await snapshotAt(later));
      snapshots.set(later, kept);
      switch (uniform(random, 7)) {
        case 0:
          applyUpTo(state, later);
          break;
        case 1:
          await stage(state, kept);
          break;
        case 2:
          if ((state.staged?.position.index ?? 0) > state.appliedIndex) await state.staged?.install();
          break;
        case 3:
          await Promise.all([state.staged?.discard(), stage(state, kept)]);
          break;
        case 4:
          if (uniform(random, 3) === 0) await store.forget(group);
          break;
        case 5:
          await store.flush();
          break;
        default:
          await store.flush();
          if (uniform(random, 2) === 0) disk.kill();
          else disk.powerLoss();
          store = openStates(disk);
      }
      assertExact(store.group(group));
      assert.deepEqual(
        contentsOf(store.group(group)),
        expectedContents(group, store.group(group).appliedIndex),
      );
    }
    await store.flush();
    await store.group(group).staged?.discard();
    await store.group(group).garbageRemoved();
    assert.ok(Object.keys(storedGenerations(disk)).length <= 1);
  }
});
