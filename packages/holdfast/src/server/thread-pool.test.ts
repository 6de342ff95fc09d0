import assert from "node:assert/strict";
import { test } from "node:test";
import { threadPoolSize, widenThreadPool } from "./thread-pool.ts";

test("thread pool: 16 threads unless somebody chose, and four where nobody said anything", () => {
  const environment: NodeJS.ProcessEnv = {};
  assert.equal(threadPoolSize(environment), 4);
  widenThreadPool(environment);
  assert.equal(threadPoolSize(environment), 16);
  const chosen: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: "7" };
  widenThreadPool(chosen);
  assert.equal(threadPoolSize(chosen), 7);
  for (const nonsense of ["", "x", "-1", "0"])
    assert.equal(threadPoolSize({ UV_THREADPOOL_SIZE: nonsense }), 4, nonsense);
});
