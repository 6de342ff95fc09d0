/**
 * What a device does to data that it has acknowledged: bits flip, writes go astray. No single node can undo that, but it
 * must never hide it: what it shows afterwards is true, and what it cannot show it refuses loudly.
 */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import { dataFolders } from "@holdfast/node";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";

export type Decay =
  | "rot-in-volume"
  | "rot-in-log"
  | "rot-in-state"
  | "rot-in-index"
  | "lost-write"
  | "misdirected-write";

const decays: readonly Decay[] = [
  "rot-in-volume",
  "rot-in-log",
  "rot-in-state",
  "rot-in-index",
  "lost-write",
  "misdirected-write",
];
const volumes = /\.vol$/;
const pageBytes = 4096;

/** Damages what is stored, or arms what will damage the writes that follow. */
export async function bringDecay(machine: SimulatedMachine, random: Random): Promise<Decay> {
  const decay = decays[uniform(random, decays.length)] ?? "rot-in-volume";
  switch (decay) {
    case "rot-in-volume":
      await rotFiles(machine, random, dataFolders.blocks);
      break;
    case "rot-in-log":
      await rotFiles(machine, random, dataFolders.log);
      break;
    case "rot-in-state":
      rotValue(machine, random, machine.stateFolder);
      break;
    case "rot-in-index":
      rotValue(machine, random, dataFolders.blockIndex);
      break;
    case "lost-write":
      for (let i = uniform(random, 3); i >= 0; i--) machine.disk.loseNextWrite(volumes);
      break;
    case "misdirected-write": {
      const pages = 1 + uniform(random, 8);
      machine.disk.misdirectNextWrite((chance(random, 0.5) ? -pages : pages) * pageBytes, volumes);
    }
  }
  return decay;
}

/** Up to three bits in the files of a folder, where something is written. */
async function rotFiles(machine: SimulatedMachine, random: Random, folder: string): Promise<void> {
  const { disk, simulation } = machine;
  const names = await simulation.runUntilSettled(disk.list(folder));
  for (let i = uniform(random, 3); i >= 0; i--) {
    const path = `${folder}/${names[uniform(random, names.length)] ?? ""}`;
    const bytes = disk.peek(path) ?? new Uint8Array(0);
    if (bytes.length === 0) continue;
    // Zeros that nothing was written over cost nobody anything: look for something else nearby.
    const from = uniform(random, bytes.length);
    const place = bytes.findIndex((byte, at) => at >= from && byte !== 0);
    disk.rot(path, place < 0 ? from : place);
  }
}

/** Up to three bits in the values of a key-value store. */
export function rotValue(machine: SimulatedMachine, random: Random, folder: string): void {
  const store = machine.store(folder);
  const pairs = [...store.range({ from: new Uint8Array([0]) })].filter(({ value }) => value.length > 0);
  for (let i = uniform(random, 3); i >= 0 && pairs.length > 0; i--) {
    const pair = pairs[uniform(random, pairs.length)];
    if (pair !== undefined) store.rot(pair.key);
  }
}
