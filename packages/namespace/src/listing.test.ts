import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Random } from "@holdfast/base";
import { bucketId, chance, compareBytes, encode, seededRandom, uniform } from "@holdfast/base";
import type { KeyRange, KeyValuePair } from "@holdfast/ports";
import { MemoryState } from "@holdfast/ports";
import { bucket, sampleEpoch, samplePart, storeFile, storeUpload, utf8 } from "../test-support/samples.ts";
import { listFiles } from "./list-files.ts";
import { listParts, listUploads } from "./list-uploads.ts";
import { uploadPartKey } from "./state-keys.ts";
import { uploadedPartCodec } from "./upload.ts";

interface Query {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
}

interface Named {
  readonly name: string;
  /** A file's or upload's own, or undefined for a common prefix. */
  readonly number: number | undefined;
}

function byUtf8(a: Named, b: Named): number {
  return compareBytes(utf8(a.name), utf8(b.name)) || (a.number ?? 0) - (b.number ?? 0);
}

/** Every item behind `after`, by the definition: roll up, sort, leave out what is not behind. */
function naive(all: readonly Named[], { prefix, delimiter, after }: Query): readonly Named[] {
  const rolled = new Map<string, Named>();
  for (const item of all) {
    if (!item.name.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : item.name.indexOf(delimiter, prefix.length);
    const common = at < 0 ? undefined : item.name.slice(0, at + delimiter.length);
    // A key must itself lie behind the marker, and outside of the common prefix that the marker is.
    if (compareBytes(utf8(item.name), utf8(after)) <= 0 || (common !== undefined && common === after))
      continue;
    if (common === undefined) rolled.set(`${item.name}#${item.number}`, item);
    else rolled.set(`${common}#`, { name: common, number: undefined });
  }
  return [...rolled.values()].sort(byUtf8);
}

const letters = ["a", "b", "/", "é", "\u{1f600}", "\uffee", "-", " "];

function randomName(random: Random): string {
  let name = "";
  for (let length = 1 + uniform(random, 5); length > 0; length--)
    name += letters[uniform(random, letters.length)];
  return name;
}

function randomQuery(random: Random, names: readonly string[]): Query {
  const some = names.length === 0 ? "" : (names[uniform(random, names.length)] ?? "");
  const prefix = chance(random, 0.5) ? "" : Array.from(some).slice(0, uniform(random, 3)).join("");
  const delimiter = ["", "/", "/", "é", "a/"][uniform(random, 5)] ?? "";
  const after = chance(random, 0.5) ? "" : chance(random, 0.5) ? some : randomName(random);
  return { prefix, delimiter, after };
}

describe("listing files", () => {
  it("gives what a naive listing gives, page by page, over 1 to 5 shards", () => {
    const random = seededRandom(42);
    for (let round = 0; round < 120; round++) {
      const shards = Array.from({ length: 1 + uniform(random, 5) }, () => new MemoryState());
      const names = new Set(Array.from({ length: uniform(random, 60) }, () => randomName(random)));
      for (const name of names) storeFile(shards[uniform(random, shards.length)] ?? new MemoryState(), name);
      // Neighbours that must never be seen.
      for (const shard of shards) {
        storeFile(shard, "a/other", "x", bucketId(6));
        storeFile(shard, "a/other", "x", bucketId(8));
      }
      const all = [...names].map((name) => ({ name, number: 0 }));
      for (let i = 0; i < 8; i++) checkPages(random, shards, all, randomQuery(random, [...names]));
    }
  });

  function checkPages(
    random: Random,
    shards: readonly MemoryState[],
    all: readonly Named[],
    query: Query,
  ): void {
    const expected = naive(all, query);
    const limit = 1 + uniform(random, 6);
    let after = query.after;
    for (let first = 0; ; first += limit) {
      const page = listFiles(shards, { bucket, ...query, after, limit });
      const want = expected.slice(first, first + limit);
      const context = JSON.stringify({ query, after, limit });
      assert.deepEqual(
        page.files.map(({ key }) => key),
        want.filter((i) => i.number === 0).map((i) => i.name),
        context,
      );
      assert.deepEqual(
        page.prefixes,
        want.filter((i) => i.number === undefined).map((i) => i.name),
        context,
      );
      assert.equal(page.next, expected.length > first + limit ? want.at(-1)?.name : undefined, context);
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  it("gives an empty page that is not truncated for limit 0", () => {
    const state = new MemoryState();
    storeFile(state, "a");
    const page = listFiles([state], { bucket, prefix: "", delimiter: "", after: "", limit: 0 });
    assert.deepEqual(page, { files: [], prefixes: [], next: undefined });
  });

  it("is truncated exactly when something is left", () => {
    const state = new MemoryState();
    for (const key of ["a", "b/1", "b/2"]) storeFile(state, key);
    const request = { bucket, prefix: "", delimiter: "/", after: "" };
    assert.equal(listFiles([state], { ...request, limit: 2 }).next, undefined);
    assert.equal(listFiles([state], { ...request, limit: 1 }).next, "a");
  });

  it("seeks past a common prefix instead of walking it", () => {
    const state = new CountingState();
    for (let i = 0; i < 5_000; i++) storeFile(state, `deep/${i}`);
    storeFile(state, "z");
    const page = listFiles([state], { bucket, prefix: "", delimiter: "/", after: "", limit: 10 });
    assert.deepEqual([page.prefixes, page.files.map(({ key }) => key)], [["deep/"], ["z"]]);
    assert.ok(state.pairsRead < 20, `${state.pairsRead} pairs read`);
  });
});

class CountingState extends MemoryState {
  pairsRead = 0;

  override *range(range: KeyRange): Iterable<KeyValuePair> {
    for (const pair of super.range(range)) {
      this.pairsRead += 1;
      yield pair;
    }
  }
}

describe("listing uploads", () => {
  it("gives what a naive listing gives, by key and then by number, over 1 to 5 shards", () => {
    const random = seededRandom(43);
    for (let round = 0; round < 120; round++) {
      const shards = Array.from({ length: 1 + uniform(random, 5) }, () => new MemoryState());
      const all: Named[] = [];
      const home = new Map<string, MemoryState | undefined>();
      for (let number = 1; number < uniform(random, 50); number++) {
        const name = randomName(random);
        if (!home.has(name)) home.set(name, shards[uniform(random, shards.length)]);
        storeUpload(home.get(name) ?? new MemoryState(), name, number * 1_000_003);
        all.push({ name, number: number * 1_000_003 });
      }
      for (let i = 0; i < 8; i++) checkPages(random, shards, all, randomQuery(random, [...home.keys(), "a"]));
    }
  });

  function checkPages(
    random: Random,
    shards: readonly MemoryState[],
    all: readonly Named[],
    query: Query,
  ): void {
    const expected = naive(all, query);
    const limit = 1 + uniform(random, 4);
    let marker: { readonly key: string; readonly upload: number | undefined } = {
      key: query.after,
      upload: undefined,
    };
    for (let first = 0; ; first += limit) {
      const request = { bucket, ...query, afterKey: marker.key, afterUpload: marker.upload, limit };
      const page = listUploads(shards, request);
      const want = expected.slice(first, first + limit);
      const context = JSON.stringify(request);
      const got = page.uploads.map(({ key, number }) => ({ name: key, number }));
      assert.deepEqual(
        got,
        want.filter((i) => i.number !== undefined),
        context,
      );
      assert.deepEqual(
        page.prefixes,
        want.filter((i) => i.number === undefined).map((i) => i.name),
        context,
      );
      assert.equal(page.next !== undefined, expected.length > first + limit, context);
      if (page.next === undefined) return;
      marker = page.next;
    }
  }

  it("lists parts by number, page by page", () => {
    const state = new MemoryState();
    for (const number of [1, 2, 256, 10_000]) {
      const stored = { part: { ...samplePart, number }, modifiedAtMs: 1, evidenceEpoch: sampleEpoch };
      state.put(uploadPartKey(5, number), encode(uploadedPartCodec, stored));
      state.put(uploadPartKey(6, number), encode(uploadedPartCodec, stored));
    }
    const numbers = (after: number, limit: number): unknown => {
      const { parts, next } = listParts(state, 5, after, limit);
      return [parts.map(({ part }) => part.number), next];
    };
    assert.deepEqual(numbers(0, 2), [[1, 2], 2]);
    assert.deepEqual(numbers(2, 2), [[256, 10_000], undefined]);
    assert.deepEqual(numbers(10_000, 2), [[], undefined]);
    assert.deepEqual(numbers(0, 0), [[], undefined]);
  });
});
