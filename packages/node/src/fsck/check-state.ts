/** The state of every group: checksums of all values, and the digest that they add up to (S12). */

import { toHex } from "@holdfast/base";
import type { FsckEvent } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

/** With bodies in them a megabyte or two: some milliseconds. */
const pairsPerStep = 100;
/** Of a group; the rest is counted. */
const damagedKeysShown = 10;

export async function* checkState(inspection: Inspection): AsyncGenerator<FsckEvent, void, undefined> {
  for (const state of inspection.parts.states) {
    const walk = state.walkDigest();
    let damaged = 0;
    try {
      for (;;) {
        await inspection.pause();
        const { damagedKeys, matches } = walk.step(pairsPerStep);
        for (const key of damagedKeys) {
          if (damaged++ >= damagedKeysShown) continue;
          const message = `A value of group ${state.group} does not match its checksum (key ${toHex(key)}).`;
          yield inspection.problem("state-damaged", message);
        }
        yield inspection.progress("state");
        if (matches === undefined) continue;
        if (damaged > damagedKeysShown)
          yield inspection.problem(
            "state-damaged",
            `${damaged} values of group ${state.group} do not match their checksums.`,
          );
        if (!matches)
          yield inspection.problem(
            "state-digest",
            `The digest kept of group ${state.group} is not that of its state.`,
          );
        break;
      }
    } finally {
      walk.leave();
    }
  }
}
