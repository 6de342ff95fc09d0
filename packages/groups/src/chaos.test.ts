/** Both protocols under kills, power losses, cuts and broken connections, by seed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Chaos } from "../test-support/chaos.ts";
import { protocolNames } from "../test-support/world.ts";

const seeds = 6;

for (const protocol of protocolNames)
  test(`chaos: ${protocol} loses nothing, applies nothing twice, and reads what was acknowledged`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const chaos = await Chaos.start(protocol, seed);
      await chaos.run(300);
      await chaos.settle();
      chaos.check();
      assert.ok(chaos.acknowledged.size > 20 && chaos.reads > 10, `seed ${seed} got something done`);
    }
  });
