import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "@holdfast/base";
import { explain, Failure, UsageError } from "./failure.ts";
import { failureText } from "./output.ts";

test("failure: wrong usage exits with 2, all else with 1", () => {
  assert.equal(explain(new UsageError("x")).exitCode, 2);
  assert.equal(explain(new Failure("x", { code: "PortInUse" })).exitCode, 1);
  assert.equal(explain(new StoreError("BucketNotFound", "x")).exitCode, 1);
  assert.equal(explain(new Error("x")).exitCode, 1);
});

test("failure: the text says code, message and next step", () => {
  const text = failureText(
    explain(new StoreError("BucketNotEmpty", "photos holds files")),
    false,
    "hf://photos",
  );
  assert.match(text, /^holdfast: hf:\/\/photos: BucketNotEmpty: photos holds files\n {2}next: .*rm -r/);
});

test("failure: a write of unknown outcome is not simply to be repeated", () => {
  assert.match(explain(new StoreError("OutcomeUnknown", "x")).next ?? "", /look whether/);
  assert.match(explain(new StoreError("Overloaded", "x")).next ?? "", /^run the command again/);
});

test("failure: a node that was not reached is to be started, one that cannot serve to be asked why", () => {
  assert.match(explain(new StoreError("Unavailable", "x")).next ?? "", /check that a node serves/);
  const answered = new StoreError("Unavailable", "x", { fields: { status: 503 } });
  assert.match(explain(answered).next ?? "", /holdfast doctor/);
});

test("failure: as JSON it carries code, outcome and whether to try again", () => {
  const text = failureText(explain(new StoreError("Overloaded", "busy")), true);
  assert.deepEqual(JSON.parse(text), {
    error: {
      code: "Overloaded",
      message: "busy",
      next: "run the command again",
      retryable: true,
      outcome: "not-applied",
    },
  });
});
