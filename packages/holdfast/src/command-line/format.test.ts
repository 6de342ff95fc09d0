import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countText, durationText, printable, sizeText, table } from "./format.ts";

test("size: the unit changes before four digits would be needed", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [10_240, "10 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [5 * 1024 ** 4, "5.0 TiB"],
    [2000 * 1024 ** 5, "2000 PiB"],
  ];
  for (const [bytes, text] of cases) assert.equal(sizeText(bytes), text);
});

test("size: is within 6 % of the number it stands for", () => {
  const factors: Readonly<Record<string, number>> = {
    B: 1,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
    PiB: 2 ** 50,
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
      const [value = "", unit = ""] = sizeText(bytes).split(" ");
      assert.ok(Math.abs((Number(value) * (factors[unit] ?? 0)) / bytes - 1) < 0.06, sizeText(bytes));
    }),
  );
});

test("duration: minutes and seconds, hours when there are some", () => {
  assert.equal(durationText(400), "0:00");
  assert.equal(durationText(65_000), "1:05");
  assert.equal(durationText(3_600_000 * 2 + 61_000), "2:01:01");
});

test("count: one is singular, thousands are grouped", () => {
  assert.equal(countText(1, "file"), "1 file");
  assert.equal(countText(12_345, "file"), "12,345 files");
});

test("printable: what would move the cursor or turn the text round is shown escaped", () => {
  assert.equal(printable("a\u001b[2Jb\nc"), "a\\u001b[2Jb\\nc");
  assert.equal(printable("\u202etxt.exe"), "\\u202etxt.exe");
  assert.equal(printable("Größe 文件"), "Größe 文件");
});

test("table: columns line up, numbers to the right, no spaces at the end", () => {
  assert.deepEqual(
    table([
      ["name", 5, "x"],
      ["n", 1234, "yy"],
    ]),
    ["name     5  x", "n     1234  yy"],
  );
});
