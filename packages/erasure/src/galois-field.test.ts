import assert from "node:assert/strict";
import { test } from "node:test";
import { slowMultiply } from "../test-support/slow-reed-solomon.ts";
import { invert, multiply } from "./galois-field.ts";

test("multiply is the product of polynomials modulo 0x11d, for all pairs", () => {
  for (let a = 0; a < 256; a++)
    for (let b = 0; b < 256; b++) assert.equal(multiply(a, b), slowMultiply(a, b), `${a} * ${b}`);
});

test("a value times its inverse is one; zero has none", () => {
  for (let a = 1; a < 256; a++) assert.equal(slowMultiply(a, invert(a)), 1);
  assert.throws(() => invert(0), /no inverse/);
});
