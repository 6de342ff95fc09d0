import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, utf8 } from "@holdfast/base";
import { listIfPresent, replaceWhole } from "@holdfast/ports";
import { SimulatedDisk, simulatedHashing } from "@holdfast/ports/simulated";
import { folderOf, forgetStates, readStateFolder, storeStateFolder } from "./state-folder.ts";

test("state folder: states that are forgotten are gone, and what counts is a folder that no start has written to", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1) }).mount();
  // Of a start that was to make the next one, and was cut short.
  for (const generation of [3, 4]) {
    await disk.makeFolder(folderOf(generation));
    await replaceWhole(disk, folderOf(generation), "data", utf8("of before"));
  }
  await storeStateFolder(disk, simulatedHashing, { generation: 3, damage: "rot" });
  await forgetStates(disk, simulatedHashing);
  const expected = { generation: 5, damage: undefined };
  assert.deepEqual(await readStateFolder(disk, simulatedHashing), expected);
  for (const generation of [3, 4, 5]) assert.deepEqual(await listIfPresent(disk, folderOf(generation)), []);
});
