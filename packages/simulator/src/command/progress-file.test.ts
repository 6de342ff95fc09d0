import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readCommand } from "./options.ts";
import type { SliceResult } from "./progress-file.ts";
import { appendProgress, readProgress } from "./progress-file.ts";
import { runSeeds } from "./run-seeds.ts";
import { sourceVersion } from "./source-version.ts";
import { summaryOf } from "./summary.ts";

function withFolder(run: (path: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-progress-"));
    try {
      await run(join(folder, "deep", "seeds.jsonl"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
}

const slice: SliceResult = {
  commit: "abc",
  sources: "tree",
  consensus: "single",
  firstSeed: 1,
  seedsCount: 20,
  events: 1000,
  virtualMs: 5000,
  cpuMs: 700,
  happened: { kill: 3 },
  failures: [],
};

test(
  "progress: results of the same sources are found again, once each; a line cut short is not",
  withFolder((path) => {
    assert.deepEqual(readProgress(path, "tree", "single"), []);
    appendProgress(path, { ...slice, firstSeed: 21 });
    appendProgress(path, slice);
    appendProgress(path, slice);
    appendProgress(path, { ...slice, sources: "other" });
    appendProgress(path, { ...slice, consensus: "raft" });
    appendFileSync(path, '{"commit":"abc","sour');
    const found = readProgress(path, "tree", "single");
    assert.deepEqual(
      found.map(({ firstSeed }) => firstSeed),
      [1, 21],
    );
  }),
);

test("summary: adds up seeds, events and faults, shows gaps and failures", () => {
  const failures = [{ seed: 47, message: "lost\nstack" }];
  const text = summaryOf([
    slice,
    { ...slice, firstSeed: 21 },
    { ...slice, firstSeed: 61, happened: { kill: 1, rot: 2 }, failures },
  ]);
  for (const line of [
    "| seeds | 60 (1 to 40, 61 to 80) |",
    "| failed seeds | 1 |",
    "| events | 3,000 |",
    "* seed 47: lost",
  ])
    assert.ok(text.includes(line), line);
  assert.match(text, /\| kill \| 7 \|/);
  assert.match(text, /\| rot \| 2 \|/);
});

test(
  "resume: a second run does only what the first has left, and shares leave each other's slices alone",
  withFolder(async (path) => {
    const { sources } = sourceVersion();
    const run = (args: string): Promise<number> => {
      const command = readCommand([...args.split(" "), "--resume", "--progress", path]);
      assert.ok(command.kind === "seeds");
      return runSeeds(command);
    };
    appendProgress(path, { ...slice, sources, firstSeed: 1, events: 7 });
    assert.equal(await run("--seeds 43 --share 1/2"), 0);
    const found = readProgress(path, sources, "single");
    assert.deepEqual(
      found.map(({ firstSeed, seedsCount, events }) => [firstSeed, seedsCount, events > 7]),
      [
        [1, 20, false],
        [41, 3, true],
      ],
    );
  }),
);
