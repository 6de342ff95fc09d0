import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "./outbox.ts";

test("outbox: what was added leaves once, in order", () => {
  const outbox = new Outbox<string>();
  for (const message of ["a", "b", "c"]) outbox.add(message);
  assert.equal(outbox.isEmpty, false);
  assert.deepEqual(outbox.take(), ["a", "b", "c"]);
  assert.equal(outbox.isEmpty, true);
  assert.deepEqual(outbox.take(), []);
});

test("outbox: what was taken does not grow with what comes later", () => {
  const outbox = new Outbox<string>();
  outbox.add("a");
  const taken = outbox.take();
  outbox.add("b");
  assert.deepEqual(taken, ["a"]);
});
