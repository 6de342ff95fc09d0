import assert from "node:assert/strict";
import { test } from "node:test";
import { equalBytes, seededRandom, uniform } from "@holdfast/base";
import { fateByChance } from "./fate.ts";
import { FileImage, sectorBytes } from "./file-image.ts";

test("any mix of changes: reads follow a plain model, and after sync a power loss changes nothing", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const image = new FileImage();
    let model = new Uint8Array(0);
    const sequences: number[] = [];
    for (let step = 0; step < 30; step++) {
      const offset = uniform(random, 3000);
      const kind = uniform(random, 6);
      if (kind <= 2) {
        const bytes = random.bytes(1 + uniform(random, 1500));
        const grown = new Uint8Array(Math.max(model.length, offset + bytes.length));
        grown.set(model);
        grown.set(bytes, offset);
        model = grown;
        sequences.push(image.write(offset, bytes));
      } else if (kind === 3) {
        const cut = new Uint8Array(offset);
        cut.set(model.subarray(0, offset));
        model = cut;
        image.truncate(offset);
      } else if (kind === 4) image.syncWrite(sequences[uniform(random, Math.max(1, sequences.length))] ?? 0);
      else image.sync(uniform(random, image.sequence + 1));
      assert.ok(equalBytes(image.read(0, 10_000), model), `seed ${seed} step ${step}`);
    }
    image.sync(image.sequence);
    image.powerLoss(fateByChance(random));
    assert.ok(equalBytes(image.read(0, 10_000), model), `seed ${seed} after the power loss`);
    assert.equal(image.length, image.durableLength);
  }
});

test("a synced write stays through later syncs of what was written before it, wherever the power fails", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const image = new FileImage();
    const before = image.write(0, new Uint8Array(4 * sectorBytes).fill(1));
    const synced = image.write(sectorBytes + 10, new Uint8Array(sectorBytes).fill(2));
    image.syncWrite(synced);
    if (uniform(random, 2) === 0) image.sync(before);
    image.powerLoss(fateByChance(random));
    const bytes = image.read(sectorBytes + 10, sectorBytes);
    assert.ok(bytes.length === sectorBytes && bytes.every((byte) => byte === 2), `seed ${seed}`);
  }
});
