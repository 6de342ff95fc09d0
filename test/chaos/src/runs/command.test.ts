import assert from "node:assert/strict";
import { test } from "node:test";
import { storeFaults } from "../store/store-nemesis.ts";
import type { Command } from "./command.ts";
import { readCommand } from "./command.ts";

function read(values: { readonly nodes?: string; readonly faults?: string }): Command | undefined {
  const defaults = { runs: "1", rounds: "1", seconds: "30", seed: "1", help: false };
  return readCommand(() => ({ positionals: ["files"], values: { ...defaults, ...values } }));
}

function filesOf(command: Command | undefined): Extract<Command, { readonly kind: "files" }> {
  assert.equal(command?.kind, "files");
  return command;
}

test("files: three nodes unless five are asked for, and no other number", () => {
  assert.equal(filesOf(read({})).size, 3);
  assert.equal(filesOf(read({ nodes: "5" })).size, 5);
  assert.equal(read({ nodes: "4" }), undefined);
});

test("files: all faults unless some are named; a name that there is not is refused", () => {
  assert.deepEqual(filesOf(read({})).faults, storeFaults);
  const named = filesOf(read({ faults: "bit in the running log,clock jump" })).faults;
  assert.deepEqual(named, ["clock jump", "bit in the running log"]);
  assert.equal(read({ faults: "clock jump,clock" }), undefined);
});
