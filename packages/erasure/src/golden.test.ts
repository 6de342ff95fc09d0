import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fromHex, present, toHex } from "@holdfast/base";
import { allMultipliers } from "../test-support/multipliers.ts";
import { codingMatrix } from "./coding-matrix.ts";
import { createErasureCoder } from "./erasure-coder.ts";

interface Golden {
  readonly matrix: readonly string[];
  readonly vectors: readonly {
    readonly dataFragments: number;
    readonly parityFragments: number;
    readonly block: string;
    readonly fragments: readonly string[];
  }[];
}

const path = new URL("../testdata/golden.json", import.meta.url);
const golden: Golden = JSON.parse(readFileSync(path, "utf8"));

test("golden: the matrix of all codes is the one that stored fragments were made with", () => {
  assert.equal(golden.matrix.length, 31);
  for (let k = 1; k <= 32; k++) {
    const rows = golden.matrix.slice(0, 32 - k).map((row) => row.slice(0, 2 * k));
    assert.deepEqual(codingMatrix(k, 32 - k).map(toHex), rows);
  }
});

test("golden: fragments written by any version are written and read alike by every implementation", () => {
  for (const multiplier of allMultipliers()) {
    for (const vector of golden.vectors) {
      const coder = createErasureCoder(vector, multiplier);
      const block = present(fromHex(vector.block), "hex");
      assert.deepEqual(coder.encode(block).map(toHex), vector.fragments);
      const left = vector.fragments.map((fragment, i) =>
        i < vector.parityFragments ? undefined : present(fromHex(fragment), "hex"),
      );
      assert.deepEqual(coder.join(left, block.length), { kind: "joined", block });
    }
  }
});
