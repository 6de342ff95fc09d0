import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { SimulatedDisk } from "@holdfast/ports/simulated";
import { openIdentity } from "./identity.ts";

test("identity: what a start shows is durable, even if the start before was killed ahead of its sync (S8)", async () => {
  const random = seededRandom(1);
  const disk = new SimulatedDisk({ random });
  const killed = new Promise<void>((resolve) => {
    const mount = disk.mount();
    const syncDirectory = (): Promise<void> => {
      disk.kill();
      resolve();
      return new Promise(() => undefined);
    };
    void openIdentity({ ...mount, syncDirectory }, random);
  });
  await killed;
  const shown = await openIdentity(disk.mount(), random);
  await disk.makeFolder("log");
  disk.powerLoss({ begin: () => undefined, kept: () => 0 });
  assert.deepEqual(await openIdentity(disk.mount(), random), shown);
});
