import assert from "node:assert/strict";
import { test } from "node:test";
import type { Awaitable } from "./awaitable.ts";
import { andThen } from "./awaitable.ts";

test("awaitable: a value that is there goes on in the same run, and throws in it", () => {
  assert.equal(
    andThen(2, (value) => value + 1),
    3,
  );
  assert.throws(
    () =>
      andThen(2, () => {
        throw new Error("refused");
      }),
    { message: "refused" },
  );
});

test("awaitable: a value that comes later goes on when it has come; its failure is the whole's", async () => {
  const later: Awaitable<number> = Promise.resolve(2);
  assert.equal(await andThen(later, (value) => Promise.resolve(value + 1)), 3);
  const failing: Awaitable<number> = Promise.reject(new Error("lost"));
  await assert.rejects(async () => andThen(failing, (value) => value + 1), { message: "lost" });
});
