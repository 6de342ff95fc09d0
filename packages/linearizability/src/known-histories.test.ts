/** Histories whose verdict is known: `good-*.jsonl` can be explained, `bad-*.jsonl` cannot. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { checkHistory, describeProblem, parseHistory } from "./index.ts";

const folder = new URL("../testdata/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));

test("known histories: there are some of both kinds", () => {
  assert.ok(names.filter((name) => name.startsWith("good-")).length >= 8);
  assert.ok(names.filter((name) => name.startsWith("bad-")).length >= 8);
});

for (const name of names) {
  test(`known histories: ${name}`, () => {
    const { problems } = checkHistory(parseHistory(readFileSync(new URL(name, folder), "utf8")));
    const story = problems.flatMap(describeProblem).join("\n");
    if (name.startsWith("good-")) assert.equal(problems.length, 0, story);
    else assert.equal(problems[0]?.verdict.kind, "not-linearizable");
  });
}
