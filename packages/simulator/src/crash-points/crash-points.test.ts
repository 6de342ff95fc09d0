import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, utf8 } from "@holdfast/base";
import type { NodePorts } from "@holdfast/node";
import { readWhole } from "@holdfast/ports";
import { Simulation } from "@holdfast/ports/simulated";
import { SimulatedMachine } from "../machine/simulated-machine.ts";
import { violated } from "../model/violation.ts";
import { campaigns } from "./campaigns.ts";
import type { ExploreBounds } from "./explore.ts";
import { explore } from "./explore.ts";
import { outcomesOf } from "./outcomes.ts";
import { smallNode } from "./small-node.ts";
import type { Subject } from "./subject.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const { name, title, quick, run } of campaigns) {
  test(`crash points of the ${name} (${title}): what was acknowledged is there, the rest whole or not at all`, async () => {
    const { pointsCount, exhaustedCount, recoveriesCount } = await run(quick, drain);
    assert.ok(pointsCount >= 2 && exhaustedCount >= 1 && recoveriesCount >= 100);
  });
}

const everything: ExploreBounds = {
  stride: 1,
  depth: 1,
  recoveryStride: 1,
  exhaustiveMax: 64,
  singlesMax: 0,
  sampledCount: 0,
  seed: 1,
};

/** Two files, one after the other; `careless` says what is forgotten. */
function twoFiles(careless: "nothing" | "sync" | "folder" | "recovery"): Subject<number> {
  const names = ["a", "b"];
  const put = async ({ disk }: NodePorts, name: string): Promise<void> => {
    const file = await disk.open(name, "create");
    await file.write(0, [utf8(name)]);
    if (careless !== "sync") await file.sync();
    await file.close();
    if (careless !== "folder") await disk.syncDirectory("");
  };
  const isThere = async ({ disk }: NodePorts, name: string): Promise<boolean> =>
    (await readWhole(disk, name))?.length === 1;
  return {
    name: "two files",
    node: smallNode,
    begin: () => {
      let acknowledged = 0;
      return {
        run: async (ports) => {
          for (const name of names) {
            await put(ports, name);
            acknowledged++;
          }
        },
        expected: () => acknowledged,
      };
    },
    // Shows every file that is whole, and counts them as kept from then on (S8).
    recover: async (ports, expected) => {
      let count = 0;
      for (const name of names) if (await isThere(ports, name)) count++;
      if (count < expected) violated(`${count} of ${expected} files`);
      if (careless === "recovery") return count;
      for (const name of await ports.disk.list("")) {
        const file = await ports.disk.open(name, "write");
        await file.sync();
        await file.close();
      }
      await ports.disk.syncDirectory("");
      return count;
    },
  };
}

test("crash points: work that is careful stands all of them", async () => {
  const { pointsCount, exhaustedCount } = await explore(twoFiles("nothing"), everything, drain);
  assert.deepEqual([pointsCount, exhaustedCount], [16, 16]);
});

for (const careless of ["sync", "folder", "recovery"] as const) {
  test(`crash points: work that forgets its ${careless === "folder" ? "folder's sync" : careless === "sync" ? "file's sync" : "sync of what recovery shows (S8)"} is found out`, async () => {
    await assert.rejects(explore(twoFiles(careless), everything, drain), /two files, moment \d+/);
  });
}

test("outcomes: few places give every combination, many places a bounded choice", async () => {
  const simulation = new Simulation({ random: seededRandom(1), drain });
  const latency = { min: 0, max: 0 };
  const random = seededRandom(1);
  const machine = new SimulatedMachine({ simulation, random, node: smallNode, diskLatencyMs: latency });
  const { disk } = machine.ports();
  const file = await disk.open("a", "create");
  await file.write(0, [utf8("x")]);
  const bounds = { exhaustiveMax: 8, singlesMax: 2, sampledCount: 3 };
  // The name, the sector, the length: each kept or lost; and the kill.
  const few = outcomesOf(machine.fork({ simulation, random }), random, bounds);
  assert.equal(new Set(few.map(({ text }) => text)).size, 1 + 2 ** 3);
  await file.write(512, [new Uint8Array(20 * 512)]);
  const many = outcomesOf(machine.fork({ simulation, random }), random, bounds);
  assert.equal(many.length, 1 + 4 + 2 * 2 + 3);
  assert.ok(!many.some(({ isExhaustive }) => isExhaustive));
});
