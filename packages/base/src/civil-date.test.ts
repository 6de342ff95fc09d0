import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import {
  formatHttpDate,
  formatIso8601,
  formatIso8601Basic,
  parseHttpDate,
  parseIso8601,
  parseIso8601Basic,
} from "./civil-date.ts";

const times = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });

test("dates are written as Date writes them, for every day of four centuries", () => {
  for (let day = -80_000; day < 80_000; day++) {
    const timeMs = day * 86_400_000 + ((day * 7919) % 86_400_000);
    assert.equal(formatIso8601(timeMs), new Date(timeMs).toISOString());
  }
});

test("dates are written as Date writes them, at any moment of the years 0 to 9999", () => {
  fc.assert(
    fc.property(times, (timeMs) => {
      const date = new Date(timeMs);
      assert.equal(formatIso8601(timeMs), date.toISOString());
      assert.equal(formatHttpDate(timeMs), date.toUTCString());
      assert.equal(formatIso8601Basic(timeMs), date.toISOString().replace(/[-:]|\.\d{3}/g, ""));
    }),
    { numRuns: 2000 },
  );
});

test("every spelling reads back what it wrote", () => {
  fc.assert(
    fc.property(times, (timeMs) => {
      const secondMs = Math.floor(timeMs / 1000) * 1000;
      assert.equal(parseIso8601(formatIso8601(timeMs)), timeMs);
      assert.equal(parseIso8601Basic(formatIso8601Basic(timeMs)), secondMs);
      assert.equal(parseHttpDate(formatHttpDate(timeMs)), secondMs);
    }),
    { numRuns: 2000 },
  );
});

test("the obsolete forms of RFC 9110 are read", () => {
  const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.equal(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  assert.equal(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  assert.equal(parseHttpDate("Sun Nov  6 08:49:37 1994"), expected);
});

test("days that do not exist and other texts are no dates", () => {
  for (const text of [
    "20130229T000000Z",
    "20131301T000000Z",
    "20130524T240000Z",
    "2013-05-24",
    "",
    "20130524T000000",
  ]) {
    assert.equal(parseIso8601Basic(text), undefined, text);
  }
  assert.equal(parseIso8601("2023-02-30T00:00:00Z"), undefined);
  assert.equal(parseHttpDate("Fri, 31 Apr 2013 00:00:00 GMT"), undefined);
  assert.equal(parseHttpDate("Fri, 24 Mai 2013 00:00:00 GMT"), undefined);
  assert.equal(parseIso8601("2024-02-29T00:00:00.5Z"), Date.UTC(2024, 1, 29, 0, 0, 0, 500));
});
