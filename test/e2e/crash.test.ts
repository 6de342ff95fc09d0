import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const command = resolve(import.meta.dirname, "../crash/src/main.ts");

test("three rounds of kill -9 under load lose nothing acknowledged and show nothing half-written", async () => {
  const flags = ["--conditions=holdfast-source", command, "--rounds", "3", "--seed", "3"];
  // Fails with the last operations when the rounds do.
  const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 120_000 });
  assert.match(stdout, /^3 rounds of kill -9 passed/m);
});
