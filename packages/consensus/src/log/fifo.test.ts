/** The ring against a plain array. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform } from "@holdfast/base";
import { Fifo } from "./fifo.ts";

test("fifo: it agrees with an array, whatever is done to it", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const fifo = new Fifo<number>();
    let model: number[] = [];
    for (let i = 0; i < 300; i++) {
      const choice = uniform(random, 40);
      if (choice === 0) {
        fifo.clear();
        model = [];
      } else if (choice < 18) {
        fifo.drop();
        model.shift();
      } else {
        fifo.push(i);
        model.push(i);
      }
      assert.deepEqual([...fifo], model);
      assert.equal(fifo.length, model.length);
      assert.equal(fifo.oldest, model[0]);
    }
  }
});
