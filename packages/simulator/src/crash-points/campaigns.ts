/** Which work is crashed, and how thoroughly: `quick` is what the tests do, `long` what a night can. */

import { blockSubject } from "./block-subject.ts";
import type { ExploreBounds, Explored } from "./explore.ts";
import { explore } from "./explore.ts";
import { logSubject } from "./log-subject.ts";
import { nodeSubject } from "./node-subject.ts";
import { everyChange, logAndState } from "./script.ts";
import type { Subject } from "./subject.ts";

export interface Campaign {
  readonly name: "log" | "checkpoint" | "blocks" | "node";
  readonly title: string;
  readonly quick: ExploreBounds;
  readonly long: ExploreBounds;
  readonly run: (bounds: ExploreBounds, drain: () => Promise<void>) => Promise<Explored>;
}

const quick: ExploreBounds = {
  stride: 7,
  depth: 1,
  recoveryStride: 11,
  exhaustiveMax: 8,
  singlesMax: 1,
  sampledCount: 1,
  seed: 1,
};
const long: ExploreBounds = {
  stride: 1,
  depth: 1,
  recoveryStride: 3,
  exhaustiveMax: 64,
  singlesMax: 6,
  sampledCount: 6,
  seed: 1,
};

interface Tighter {
  readonly quicker: Partial<ExploreBounds>;
  readonly shorter: Partial<ExploreBounds>;
}

/** A recovery of the whole node costs many times one of its parts: fewer are looked at. */
const wholeNode: Tighter = {
  quicker: { stride: 19, exhaustiveMax: 4, recoveryStride: 41 },
  shorter: { exhaustiveMax: 16, singlesMax: 3, sampledCount: 3, recoveryStride: 17 },
};

/** Each level multiplies by the crash points of a recovery. */
const cutTwice: Tighter = {
  quicker: { stride: 17, depth: 2, recoveryStride: 13 },
  shorter: { stride: 5, depth: 2, recoveryStride: 5, exhaustiveMax: 8, singlesMax: 1, sampledCount: 1 },
};

export const campaigns: readonly Campaign[] = [
  campaign(
    "log",
    "append, segment roll, preparation, checkpoint, recovery",
    logSubject({ seed: 1, burstsCount: 25 }),
  ),
  campaign(
    "blocks",
    "commit, volume roll, index, erasure, compaction, recovery",
    blockSubject({ seed: 1, burstsCount: 12, losesIndex: false }),
  ),
  campaign(
    "blocks",
    "the same, and every crash takes the index (S7)",
    blockSubject({ seed: 4, burstsCount: 12, losesIndex: true }),
  ),
  campaign("log", "recoveries cut after cut recoveries", logSubject({ seed: 2, burstsCount: 12 }), cutTwice),
  campaign(
    "blocks",
    "recoveries cut after cut recoveries",
    blockSubject({ seed: 2, burstsCount: 6, losesIndex: false }),
    cutTwice,
  ),
  campaign(
    "checkpoint",
    "state flush, the log's checkpoint, segments deleted, replay",
    nodeSubject("checkpoint", logAndState),
    { ...wholeNode, quicker: { ...wholeNode.quicker, stride: 5 } },
  ),
  campaign(
    "node",
    "every kind of change, checkpoints and collection beside it, audited",
    nodeSubject("node", everyChange),
    wholeNode,
  ),
];

function campaign<Expected>(
  name: Campaign["name"],
  title: string,
  subject: Subject<Expected>,
  { quicker, shorter }: Tighter = { quicker: {}, shorter: {} },
): Campaign {
  const run: Campaign["run"] = (bounds, drain) => explore(subject, bounds, drain);
  return { name, title, quick: { ...quick, ...quicker }, long: { ...long, ...shorter }, run };
}
