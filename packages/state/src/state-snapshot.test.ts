import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ballot,
  concatBytes,
  fromHex,
  groupId,
  logIndex,
  present,
  seededRandom,
  toHex,
  uniform,
  utf8,
} from "@holdfast/base";
import type { KeyValue, KeyValuePair, Mutation } from "@holdfast/ports";
import type { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { simulatedHashing } from "@holdfast/ports/simulated";
import {
  applyUpTo,
  assertExact,
  contentsOf,
  expectedContents,
  newDisk,
  openStates,
  positionAt,
} from "../test-support/entries.ts";
import { keptSnapshot, sent } from "../test-support/snapshots.ts";
import type { GroupState } from "./group-state.ts";
import { frameChecksum, frameHeadBytes, StateSnapshotError } from "./snapshot-format.ts";
import { StateKeys } from "./state-keys.ts";
import { StateStore } from "./state-store.ts";
import { StateCorruptError, seal } from "./stored-value.ts";

const group = groupId(1);

function pieces(bytes: Uint8Array, lengthOf: () => number): readonly Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += cut.at(-1)?.length ?? 0)
    cut.push(bytes.slice(at, at + lengthOf()));
  return cut;
}

test("state snapshot: it is the state of one moment, whatever is applied and flushed before and while it is read", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const store = openStates(newDisk(seed));
    const [state, neighbour] = [store.group(group), store.group(groupId(2))];
    applyUpTo(state, 1 + uniform(random, 20));
    const flushes = [uniform(random, 2) === 0 ? store.flush() : Promise.resolve()];
    applyUpTo(state, state.appliedIndex + uniform(random, 5));
    const asked = state.appliedIndex;
    const opening = state.snapshot();
    for (let i = uniform(random, 12); i > 0; i--) {
      applyUpTo(state, state.appliedIndex + 1);
      applyUpTo(neighbour, neighbour.appliedIndex + 1);
      if (uniform(random, 3) === 0) flushes.push(store.flush());
      await Promise.resolve();
    }
    const snapshot = await opening;
    const { position, body } = snapshot;
    assert.ok(position.index >= asked && position.index <= state.appliedIndex);
    const busyBody = (async function* () {
      for await (const chunk of body) {
        applyUpTo(state, state.appliedIndex + 3);
        await store.flush();
        yield chunk;
      }
    })();
    const receiver = openStates(newDisk(1)).group(group);
    await (await receiver.stage(position, busyBody)).install();
    assert.deepEqual(contentsOf(receiver), expectedContents(group, position.index));
    assert.deepEqual(receiver.recomputeDigest(), snapshot.digest);
    await Promise.all(flushes);
  }
});

test("state snapshot: states of any keys and values go from store to store, in whatever pieces, again and again", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed);
    const model = new Map<string, string>();
    let from = openStates(newDisk(1)).group(group);
    for (let hop = 1; hop <= 3; hop++) {
      for (let i = uniform(random, 60); i > 0; i--) {
        const key = random.bytes(uniform(random, uniform(random, 10) === 0 ? 1800 : 6));
        const value = random.bytes(uniform(random, uniform(random, 10) === 0 ? 90_000 : 50));
        from.put(key, value);
        model.set(toHex(key), toHex(value));
      }
      from.advance({ index: logIndex(hop), ballot: ballot(hop), membership: random.bytes(9) });
      const { position, chunks } = await keptSnapshot(from);
      const cut = pieces(
        concatBytes(chunks),
        () => 1 + uniform(random, uniform(random, 2) === 0 ? 20 : 100_000),
      );
      const to = openStates(newDisk(1)).group(group);
      await (await to.stage(position, sent(cut))).install();
      assert.deepEqual(to.applied, from.applied);
      assert.deepEqual(to.digest, from.digest);
      assert.deepEqual(to.recomputeDigest(), to.digest);
      const pairs = Array.from(to.range({ from: new Uint8Array(0) }), ({ key, value }) => [
        toHex(key),
        toHex(value),
      ]);
      assert.deepEqual(
        pairs,
        [...model].sort(([a], [b]) => (a < b ? -1 : 1)),
      );
      from = to;
    }
  }
});

/** A replica that applied entries up to 5, and has another group beside it. */
async function receiver(): Promise<{
  readonly state: GroupState;
  readonly assertAsBefore: () => Promise<void>;
}> {
  const disk = newDisk(1);
  const store = openStates(disk);
  const state = store.group(group);
  applyUpTo(state, 5);
  applyUpTo(store.group(groupId(2)), 3);
  await store.flush();
  const before = storedHex(disk);
  const assertAsBefore = async (): Promise<void> => {
    assertExact(state);
    assert.equal(state.staged, undefined);
    await state.garbageRemoved();
    assert.deepEqual(storedHex(disk), before);
  };
  return { state, assertAsBefore };
}

function storedHex(store: KeyValue): readonly string[] {
  return Array.from(
    store.range({ from: new Uint8Array(0) }),
    ({ key, value }) => `${toHex(key)} ${toHex(value)}`,
  );
}

async function smallSnapshot(): Promise<Uint8Array> {
  const state = openStates(newDisk(1)).group(group);
  applyUpTo(state, 12);
  return concatBytes((await keptSnapshot(state)).chunks);
}

const refusedAs =
  (...kinds: readonly string[]) =>
  (error: unknown): boolean =>
    error instanceof StateSnapshotError && kinds.includes(error.kind);

test("state snapshot: a body with any bit flipped is refused, and leaves the state as it was", async () => {
  const whole = await smallSnapshot();
  const { state, assertAsBefore } = await receiver();
  for (let at = 0; at < whole.length; at++) {
    const flipped = whole.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    await assert.rejects(
      state.stage(positionAt(12), sent([flipped])),
      refusedAs("damaged", "truncated", "foreign", "newer"),
      `byte ${at}`,
    );
  }
  await assertAsBefore();
});

test("state snapshot: a body that ends anywhere before its end, or goes on behind it, is refused", async () => {
  const whole = await smallSnapshot();
  const { state, assertAsBefore } = await receiver();
  for (let length = 0; length < whole.length; length++) {
    const cut = pieces(whole.slice(0, length), () => 100);
    await assert.rejects(state.stage(positionAt(12), sent(cut)), refusedAs("truncated"), `${length} bytes`);
  }
  for (const rest of [new Uint8Array(1), whole])
    for (const chunks of [[whole, rest], [concatBytes([whole, rest])]])
      await assert.rejects(state.stage(positionAt(12), sent(chunks)), refusedAs("damaged"));
  await assertAsBefore();
});

test("state snapshot: a body that fails fails the stage with its own error", async () => {
  const whole = await smallSnapshot();
  const { state, assertAsBefore } = await receiver();
  const failure = new Error("the other side has gone");
  const broken = (async function* () {
    yield whole.subarray(0, whole.length / 2);
    throw failure;
  })();
  await assert.rejects(state.stage(positionAt(12), broken), (error) => error === failure);
  await assertAsBefore();
});

/** The frames' payloads, head first. */
function payloadsOf(whole: Uint8Array): readonly Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += frameHeadBytes + (payloads.at(-1)?.length ?? 0)) {
    const length = new DataView(whole.buffer, whole.byteOffset + at).getUint32(0);
    payloads.push(whole.slice(at + frameHeadBytes, at + frameHeadBytes + length));
  }
  return payloads;
}

/** A body whose frames fit together, whatever is in them. */
function framed(payloads: readonly Uint8Array[]): readonly Uint8Array[] {
  let checksum = 0;
  return payloads.map((payload) => {
    checksum = frameChecksum(simulatedHashing, checksum, payload);
    const head = new DataView(new ArrayBuffer(frameHeadBytes));
    head.setUint32(0, payload.length);
    head.setUint32(4, checksum);
    return concatBytes([new Uint8Array(head.buffer), payload]);
  });
}

/** A pair as a frame has it, sealed for the group. All lengths below 128. */
function pair(key: string, value: string, of: number = group): Uint8Array {
  const keys = new StateKeys(groupId(of), 0, simulatedHashing);
  const stored = concatBytes([new Uint8Array(4), utf8(value)]);
  seal(simulatedHashing, keys.checksum(keys.stored(utf8(key))), stored);
  return concatBytes([Uint8Array.of(key.length), utf8(key), Uint8Array.of(stored.length), stored]);
}

const pairsFrame = (...pairs: readonly Uint8Array[]): Uint8Array => concatBytes([Uint8Array.of(1), ...pairs]);
const endFrame = (pairs: number): Uint8Array => Uint8Array.of(2, pairs);

test("state snapshot: frames that fit together are refused when their pairs make no state of this group", async () => {
  const sender = openStates(newDisk(1)).group(group);
  sender.put(utf8("a"), utf8("1"));
  sender.put(utf8("b"), utf8("2"));
  sender.advance(positionAt(1));
  const [head] = payloadsOf(concatBytes((await keptSnapshot(sender)).chunks));
  const headed = (...payloads: readonly Uint8Array[]): readonly Uint8Array[] =>
    framed([present(head, "head"), ...payloads]);
  const [a, b] = [pair("a", "1"), pair("b", "2")];
  const { state, assertAsBefore } = await receiver();
  const hostile: Readonly<Record<string, readonly Uint8Array[]>> = {
    "out of order": headed(pairsFrame(b, a), endFrame(2)),
    "out of order over frames": headed(pairsFrame(b), pairsFrame(a), endFrame(2)),
    twice: headed(pairsFrame(a, a, b), endFrame(3)),
    "of another group": headed(pairsFrame(a, pair("b", "2", 2)), endFrame(2)),
    "under another key": headed(
      pairsFrame(a, concatBytes([Uint8Array.of(1), utf8("c"), b.subarray(2)])),
      endFrame(2),
    ),
    "one less": headed(pairsFrame(a), endFrame(1)),
    "one more": headed(pairsFrame(a, b, pair("c", "3")), endFrame(3)),
    "another value": headed(pairsFrame(a, pair("b", "3")), endFrame(2)),
    miscounted: headed(pairsFrame(a, b), endFrame(3)),
    "an end with something behind": headed(pairsFrame(a, b), Uint8Array.of(2, 2, 0)),
    "a value without a checksum": headed(pairsFrame(Uint8Array.of(1, 0x61, 2, 0, 0)), endFrame(1)),
    "half a pair": headed(pairsFrame(a, b.subarray(0, 3)), endFrame(2)),
    "an unknown kind": headed(Uint8Array.of(3), endFrame(0)),
    "an empty frame": headed(new Uint8Array(0), pairsFrame(a, b), endFrame(2)),
    "two heads": headed(present(head, "head"), pairsFrame(a, b), endFrame(2)),
    "no head": framed([pairsFrame(a, b), endFrame(2)]),
    "a frame of four gigabytes": [new Uint8Array(8).fill(0xff)],
  };
  for (const [what, chunks] of Object.entries(hostile))
    await assert.rejects(
      state.stage(positionAt(1), sent(chunks)),
      refusedAs("damaged", "newer", "foreign"),
      what,
    );
  await assertAsBefore();
  await (await state.stage(positionAt(1), sent(headed(pairsFrame(a, b), endFrame(2))))).discard();
  await (await state.stage(positionAt(1), sent(headed(pairsFrame(a), pairsFrame(b), endFrame(2))))).discard();
  await assertAsBefore();
});

test("state snapshot: one of another group, another position, or a newer program is refused as such", async () => {
  const whole = await smallSnapshot();
  const { state, assertAsBefore } = await receiver();
  await assert.rejects(state.stage(positionAt(13), sent([whole])), refusedAs("foreign"));
  const elsewhere = { ...positionAt(12), ballot: ballot(9) };
  await assert.rejects(state.stage(elsewhere, sent([whole])), refusedAs("foreign"));
  const other = openStates(newDisk(1)).group(groupId(2));
  await assert.rejects(other.stage(positionAt(12), sent([whole])), refusedAs("foreign"));
  const [head, ...rest] = payloadsOf(whole);
  const newer = present(head, "head").slice();
  newer[0] = 2;
  await assert.rejects(state.stage(positionAt(12), sent(framed([newer, ...rest]))), refusedAs("newer"));
  await assertAsBefore();
});

test("state snapshot: a value that rotted at the sender breaks the body, and never becomes another's state (S12)", async () => {
  const disk = newDisk(1);
  const store = openStates(disk);
  const state = store.group(group);
  state.put(utf8("key"), utf8("value"));
  state.advance(positionAt(1));
  await store.flush();
  disk.rot(new StateKeys(group, 0, simulatedHashing).stored(utf8("key")));
  const { position, body } = await openStates(disk).group(group).snapshot();
  const to = openStates(newDisk(1)).group(group);
  await assert.rejects(to.stage(position, body), StateCorruptError);
});

/** The store, with a count of pairs read through snapshots, and of snapshots that are open. */
function counted(store: KeyValue): {
  readonly store: KeyValue;
  readonly counts: { pairs: number; open: number };
} {
  const counts = { pairs: 0, open: 0 };
  const openSnapshot = (): ReturnType<KeyValue["openSnapshot"]> => {
    const snapshot = store.openSnapshot();
    let isOpen = true;
    counts.open++;
    return {
      *range(range): Iterable<KeyValuePair> {
        for (const pair of snapshot.range(range)) {
          counts.pairs++;
          yield pair;
        }
      },
      close: () => {
        if (isOpen) counts.open--;
        isOpen = false;
        snapshot.close();
      },
    };
  };
  const passed = {
    get: (key: Uint8Array) => store.get(key),
    peek: (key: Uint8Array) => store.peek(key),
    range: (range: Parameters<KeyValue["range"]>[0]) => store.range(range),
    openSnapshot,
    write: store.write.bind(store),
    flush: () => store.flush(),
    close: () => store.close(),
  };
  return { store: passed, counts };
}

/** What passes a store at once, at most. */
interface Largest {
  mutations: number;
  removals: number;
}

function measured(disk: SimulatedKeyValue, largest: Largest): KeyValue {
  const write = (batch: readonly Mutation[]): Promise<void> => {
    largest.mutations = Math.max(largest.mutations, batch.length);
    const removals = batch.filter(({ value }) => value === undefined).length;
    largest.removals = Math.max(largest.removals, removals);
    return disk.write(batch);
  };
  return { ...counted(disk).store, write };
}

test("state snapshot: 50,000 pairs are read, written and removed piece by piece, never all at once", async () => {
  const { store, counts } = counted(newDisk(1));
  const from = new StateStore(store, simulatedHashing).group(group);
  const value = seededRandom(1).bytes(100);
  for (let i = 0; i < 50_000; i++) from.put(utf8(`key-${i}`), value);
  from.advance(positionAt(1));
  const largest = { mutations: 0, removals: 0, pairsRead: 0, chunkBytes: 0 };
  const to = new StateStore(measured(newDisk(1), largest), simulatedHashing);
  const { position, body } = await from.snapshot();
  const watched = (async function* () {
    let before = 0;
    for await (const chunk of body) {
      largest.pairsRead = Math.max(largest.pairsRead, counts.pairs - before);
      largest.chunkBytes = Math.max(largest.chunkBytes, chunk.length);
      before = counts.pairs;
      yield chunk;
    }
  })();
  await (await to.group(group).stage(position, watched)).install();
  assert.deepEqual(to.group(group).recomputeDigest(), from.digest);
  await to.forget(group);
  assert.equal(counts.pairs, 1 + 50_000, "the group's record, and each pair once");
  assert.equal(counts.open, 0);
  assert.ok(largest.pairsRead < 700, `${largest.pairsRead} pairs read at once`);
  assert.ok(largest.chunkBytes < 70_000, `${largest.chunkBytes} bytes at once`);
  assert.ok(largest.mutations < 3000, `${largest.mutations} pairs written at once`);
  assert.ok(largest.removals > 0 && largest.removals <= 256, `${largest.removals} pairs removed at once`);
});

test("state snapshot: golden bytes of the stream", async () => {
  const state = openStates(newDisk(1)).group(group);
  for (const [key, text] of [
    ["a", "1"],
    ["b", "two"],
  ] as const)
    state.put(utf8(key), utf8(text));
  state.advance(positionAt(1));
  const golden = [
    "0000000cce106ce60101010119217c66559bf01d",
    "0000001349734e4f0101610517e1e42131016207b3b645a174776f",
    "00000002717291cf0202",
  ];
  assert.deepEqual((await keptSnapshot(state)).chunks.map(toHex), golden);
  const to = openStates(newDisk(1)).group(group);
  const chunks = golden.map((hex) => present(fromHex(hex), "hexadecimal"));
  await (await to.stage(positionAt(1), sent(chunks))).install();
  assert.deepEqual(contentsOf(to), contentsOf(state));
});

test("state snapshot: what it holds of the store is let go when it is read, left, fails or is closed", async () => {
  const { store, counts } = counted(newDisk(1));
  const state = new StateStore(store, simulatedHashing).group(group);
  applyUpTo(state, 5);
  for await (const _ of (await state.snapshot()).body);
  assert.equal(counts.open, 0);
  for await (const _ of (await state.snapshot()).body) break;
  assert.equal(counts.open, 0);
  const unread = await state.snapshot();
  assert.equal(counts.open, 1);
  unread.close();
  assert.equal(counts.open, 0);
  await assert.rejects(
    (async () => {
      for await (const _ of unread.body);
    })(),
  );
});
