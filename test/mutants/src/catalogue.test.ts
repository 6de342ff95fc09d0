import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { applyEdits } from "./apply-edits.ts";
import { catalogue } from "./catalogue.ts";
import { exemptions } from "./exemptions.ts";

const checkout = join(import.meta.dirname, "../../..");

test("mutants: every patch applies to the sources as they are", () => {
  for (const mutant of catalogue) {
    const source = readFileSync(join(checkout, mutant.file), "utf8");
    assert.notEqual(applyEdits(mutant, source), source, mutant.name);
  }
});

test("mutants: rows 1 to 27, for both protocols, P1 to P8 and the rules have a mutant or a reason", () => {
  const rows = Array.from({ length: 27 }, (_, i) => String(i + 1));
  const known = new Set([...catalogue.map(({ row }) => row), ...exemptions.map(({ row }) => row)]);
  const ofPaxos = [...rows.map((row) => `M${row}`), ...rows.slice(0, 8).map((row) => `P${row}`)];
  for (const row of [...rows, "S8", "S9", "S10", "S11", "S13", ...ofPaxos, "MS9", "MS10", "MS14"])
    assert.ok(known.has(row), `row ${row}`);
});

test("mutants: each rule S1 to S20 has a mutant of its own name, of the same in Multi-Paxos, or one that the documents name", () => {
  const page = readFileSync(join(checkout, "docs/simulation.md"), "utf8");
  for (let rule = 1; rule <= 20; rule++) {
    const row = page.split("\n").find((line) => line.startsWith(`| S${rule} | `));
    const names = row?.split(" | ")[2]?.split(", ") ?? [];
    assert.ok(names.length > 0, `S${rule} has a row in docs/simulation.md`);
    for (const name of names)
      assert.ok(
        catalogue.some((mutant) => mutant.name === name),
        `S${rule}: ${name}`,
      );
  }
});

test("mutants: the bug matrix shows this catalogue, and every one of it caught", () => {
  const page = readFileSync(join(checkout, "docs/internals/bug-matrix.md"), "utf8");
  const rows = page.split("\n").filter((line) => /^\| (?:M?S?|P|C)\d+[a-z] \|/.test(line));
  assert.deepEqual(
    rows.map((row) => row.split(" | ").slice(0, 2)),
    catalogue.map(({ name, bug }) => [`| ${name}`, bug]),
  );
  assert.ok(!page.includes("NOT CAUGHT"));
  for (const { row, reason } of exemptions) assert.ok(page.includes(`* ${row}: ${reason}.`), row);
});
