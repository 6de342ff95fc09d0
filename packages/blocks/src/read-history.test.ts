import assert from "node:assert/strict";
import { test } from "node:test";
import { ReadHistory } from "./read-history.ts";

test("read history: a place is new once, and again when long forgotten", () => {
  const history = new ReadHistory();
  const place = { volume: 1, offset: 4096 };
  assert.ok(history.isFirst(place));
  assert.ok(!history.isFirst(place));
  assert.ok(history.isFirst({ volume: 2, offset: 4096 }));
  assert.ok(history.isFirst({ volume: 1, offset: 8192 }));
  for (let offset = 0; offset < 10_000; offset++) history.isFirst({ volume: 3, offset: offset * 4096 });
  assert.ok(!history.isFirst(place));
  for (let offset = 0; offset < 20_000; offset++) history.isFirst({ volume: 4, offset: offset * 4096 });
  assert.ok(history.isFirst(place));
});
