import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import type { Mutation } from "./key-value.ts";
import { mergeRanges } from "./merge-ranges.ts";

const mutation = (text: string): Mutation => {
  const [key = "", value] = text.split("=");
  return { key: utf8(key), value: value === undefined ? undefined : utf8(value) };
};
const merged = (
  sources: readonly (readonly string[])[],
  reverse = false,
  limit = Number.POSITIVE_INFINITY,
): string[] =>
  Array.from(
    mergeRanges(
      sources.map((source) => source.map(mutation)),
      reverse,
      limit,
    ),
    ({ key, value }) => [key, value].map(utf8Text).join("="),
  );

test("the newest source wins, a removal hides what is older, and removals do not count against the limit", () => {
  assert.deepEqual(
    merged([
      ["b=2", "c"],
      ["a=0", "b=1", "c=1", "d=1"],
    ]),
    ["a=0", "b=2", "d=1"],
  );
  assert.deepEqual(
    merged(
      [
        ["c", "b=2"],
        ["d=1", "c=1", "b=1", "a=0"],
      ],
      true,
    ),
    ["d=1", "b=2", "a=0"],
  );
  assert.deepEqual(
    merged(
      [
        ["a", "b"],
        ["a=1", "b=1", "c=1", "d=1"],
      ],
      false,
      1,
    ),
    ["c=1"],
  );
  assert.deepEqual(merged([["a=1"], [], ["a=0"]], false, 0), []);
  assert.deepEqual(merged([]), []);
});

test("a merge of any sorted sources equals a map filled oldest first", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const reverse = uniform(random, 2) === 0;
    const sources = Array.from({ length: 1 + uniform(random, 4) }, (_, source) =>
      ["a", "b", "c", "d", "e", "f", "g", "h"]
        .filter(() => uniform(random, 2) === 0)
        .map((key) => (uniform(random, 3) === 0 ? key : `${key}=${source}`)),
    );
    const newest = new Map(
      sources.toReversed().flatMap((source) => source.map((text) => [text[0] ?? "", text] as const)),
    );
    const expected = [...newest.values()].filter((text) => text.includes("=")).sort();
    if (reverse) {
      expected.reverse();
      for (const source of sources) source.reverse();
    }
    const limit = uniform(random, 10);
    assert.deepEqual(merged(sources, reverse, limit), expected.slice(0, limit));
  }
});

test("sources are read as far as the merge is, and let go when it is left early", () => {
  let [read, closed] = [0, 0];
  function* source(): Iterable<Mutation> {
    try {
      for (let i = 0; i < 100; i++) {
        read++;
        yield mutation(`${String.fromCharCode(65 + i)}=1`);
      }
    } finally {
      closed++;
    }
  }
  for (const { key } of mergeRanges([source(), source()], false, 50)) if (utf8Text(key) === "C") break;
  assert.ok(read <= 8, `${read} read`);
  assert.equal(closed, 2);
});
