import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

test("slots: so many jobs run at once, the others in the order they came, also behind one that fails", async () => {
  const slots = new Slots(2);
  const log: string[] = [];
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const jobs = gates.map(({ promise }, i) =>
    slots.run(async () => {
      log.push(`${i} begins`);
      await promise;
      log.push(`${i} ends`);
    }),
  );
  await Promise.resolve();
  assert.deepEqual(log, ["0 begins", "1 begins"]);
  gates[1]?.reject(new Error("failed"));
  await assert.rejects(jobs[1] ?? Promise.resolve());
  await Promise.resolve();
  assert.deepEqual(log, ["0 begins", "1 begins", "2 begins"]);
  gates[0]?.resolve();
  gates[2]?.resolve();
  await Promise.all([jobs[0], jobs[2]]);
  await slots.run(async () => void log.push("3"));
  assert.equal(log.at(-1), "3");
});
