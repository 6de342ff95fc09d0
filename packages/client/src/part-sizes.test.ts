import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, limits, MiB, TiB } from "@holdfast/base";
import { partBytesFor, partsInFlight, streamPartBytes } from "./part-sizes.ts";

test("part sizes: files of every size fit in the parts there may be, without small parts", () => {
  for (const bytes of [1, 17 * MiB, 156 * GiB, 157 * GiB, TiB, limits.fileBytesMax]) {
    const partBytes = partBytesFor(bytes);
    assert.ok(Math.ceil(bytes / partBytes) <= limits.partNumberMax, `${bytes}`);
    assert.ok(partBytes >= limits.partBytesMin && partBytes <= limits.bodyBytesMax);
  }
  assert.equal(partBytesFor(limits.fileBytesMax), 525 * MiB);
});

test("part sizes: what is in flight stays bounded while parts grow", () => {
  assert.equal(partsInFlight(16 * MiB), 4);
  assert.equal(partsInFlight(32 * MiB), 2);
  assert.equal(partsInFlight(525 * MiB), 1);
});

test("part sizes: a stream's parts double, so that 585 GiB fit in parts of at most 128 MiB", () => {
  let bytes = 0;
  for (let part = 1; part <= limits.partNumberMax; part++) bytes += streamPartBytes(part);
  assert.equal(streamPartBytes(1), 16 * MiB);
  assert.equal(streamPartBytes(limits.partNumberMax), 128 * MiB);
  assert.equal(Math.floor(bytes / GiB), 585);
});
