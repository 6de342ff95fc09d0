/** The window against a plain array that holds every entry there ever was. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { ballot, logIndex, seededRandom, uniform } from "@holdfast/base";
import { command } from "../../test-support/entries.ts";
import type { Entry } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import { LogWindow } from "./log-window.ts";

interface Model {
  /** From index 1 on; what lies before the base stays. */
  entries: Entry[];
  base: number;
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
}

function sliceOf(
  entries: readonly Entry[],
  from: number,
  through: number,
  bytesMax: number,
): readonly Entry[] {
  const wanted = entries.slice(from - 1, through);
  let count = wanted.length;
  while (count > 1 && bytesOf(wanted.slice(0, count)) > bytesMax) count--;
  return wanted.slice(0, count);
}

function compare(window: LogWindow, { entries, base }: Model, random: Random): void {
  assert.equal(window.base.index, base);
  assert.equal(window.lastIndex, entries.length);
  assert.equal(window.last.ballot, entries.at(-1)?.ballot ?? window.base.ballot);
  assert.equal(window.bytes, bytesOf(entries.slice(base)));
  const index = uniform(random, entries.length + 3);
  const expected = index < base ? undefined : (entries[index - 1]?.ballot ?? (index === 0 ? 0 : undefined));
  assert.equal(window.ballotAt(logIndex(index)), expected);
  const from = base + 1 + uniform(random, 5);
  const through = from - 1 + uniform(random, 6);
  const bytesMax = uniform(random, 400);
  assert.deepEqual(
    window.slice(logIndex(from), logIndex(through), bytesMax),
    sliceOf(entries, from, through, bytesMax),
  );
  compareLastAtOrBelow(window, { entries, base }, random);
}

function compareLastAtOrBelow(window: LogWindow, { entries, base }: Model, random: Random): void {
  const index = base + uniform(random, 6);
  const below = 1 + uniform(random, 8);
  const found = entries.slice(base, index).findLast((entry) => entry.ballot <= below);
  const { index: at } = window.lastAtOrBelow(logIndex(index), ballot(below));
  assert.equal(at, found?.index ?? base);
}

function step(window: LogWindow, model: Model, random: Random): void {
  const last = model.entries.length;
  switch (uniform(random, 8)) {
    case 0: {
      const from = model.base + 1 + uniform(random, last - model.base + 2);
      window.truncate(logIndex(from));
      model.entries = model.entries.slice(0, from - 1);
      return;
    }
    case 1: {
      const through = model.base + uniform(random, last - model.base + 1);
      const bytesMax = uniform(random, 1_000);
      window.shrink(logIndex(through), bytesMax);
      while (bytesOf(model.entries.slice(model.base)) > bytesMax && model.base < through) model.base++;
      return;
    }
    case 2: {
      if (uniform(random, 20) > 0) return;
      const base = last + 1 + uniform(random, 5);
      window.reset({ index: logIndex(base), ballot: ballot(1) });
      model.entries = Array.from({ length: base }, (_, i) => command(i + 1, 1));
      model.base = base;
      return;
    }
    default: {
      const before = model.entries.at(-1)?.ballot ?? 1;
      const entry = command(last + 1, before + uniform(random, 2), "x".repeat(uniform(random, 100)));
      window.append(entry);
      model.entries.push(entry);
    }
  }
}

test("log window: it agrees with an array of all entries, whatever is done to it", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seededRandom(seed);
    const window = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, []);
    const model: Model = { entries: [], base: 0 };
    for (let i = 0; i < 200; i++) {
      step(window, model, random);
      compare(window, model, random);
    }
  }
});

test("log window: thousands of forgotten entries leave the rest where they are", () => {
  const window = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, []);
  for (let i = 1; i <= 5_000; i++) window.append(command(i, 1));
  window.shrink(logIndex(4_000), 0);
  window.append(command(5_001, 2));
  assert.deepEqual([window.base.index, window.lastIndex], [4_000, 5_001]);
  assert.equal(window.ballotAt(logIndex(5_001)), 2);
  assert.equal(window.entry(logIndex(4_001))?.index, 4_001);
  assert.equal(window.entry(logIndex(4_000)), undefined);
});

test("log window: all who ask for the same entries share one slice, until the log is cut", () => {
  const window = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, []);
  for (let i = 1; i <= 3; i++) window.append(command(i, 1));
  const slice = window.slice(logIndex(2), logIndex(3), 1_000);
  assert.equal(window.slice(logIndex(2), logIndex(3), Number.POSITIVE_INFINITY), slice);
  assert.deepEqual(window.slice(logIndex(2), logIndex(3), 1), [command(2, 1)]);
  window.slice(logIndex(2), logIndex(3), 1_000);
  window.truncate(logIndex(3));
  window.append(command(3, 2));
  assert.deepEqual(window.slice(logIndex(2), logIndex(3), 1_000), [command(2, 1), command(3, 2)]);
});

test("log window: an entry that leaves a gap is refused", () => {
  const window = new LogWindow({ index: logIndex(3), ballot: ballot(1) }, []);
  assert.throws(() => window.append(command(5, 1)), /one behind the other/);
});

test("log window: a replaced entry changes nothing but itself, wherever the window begins", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const entries = Array.from({ length: 30 }, (_, i) => command(i + 1, 1, "x".repeat(uniform(random, 100))));
    const window = new LogWindow({ index: logIndex(0), ballot: ballot(0) }, entries);
    window.shrink(logIndex(uniform(random, 20)), uniform(random, 1_000));
    const base = window.base.index;
    for (let i = 0; i < 20; i++) {
      const entry = command(base + 1 + uniform(random, 30 - base), 2 + i, "y".repeat(uniform(random, 100)));
      entries[entry.index - 1] = entry;
      window.replace(entry);
      assert.deepEqual(
        window.slice(logIndex(base + 1), logIndex(30), Number.POSITIVE_INFINITY),
        entries.slice(base),
      );
      assert.equal(window.bytes, bytesOf(entries.slice(base)));
      assert.equal(window.ballotAt(entry.index), entry.ballot);
    }
  }
});
