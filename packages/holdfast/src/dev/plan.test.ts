import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeArguments } from "./plan.ts";

test("dev: at a terminal the node logs for people, otherwise for programs", async () => {
  const data = await mkdtemp(join(tmpdir(), "holdfast-test-"));
  try {
    const formatOf = async (isTerminal: boolean): Promise<string | undefined> => {
      const args = await nodeArguments({}, data, isTerminal);
      return args.includes("--log-format") ? args[args.indexOf("--log-format") + 1] : undefined;
    };
    assert.equal(await formatOf(true), "text");
    assert.equal(await formatOf(false), undefined);
  } finally {
    await rm(data, { recursive: true });
  }
});
