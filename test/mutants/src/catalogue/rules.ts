/**
 * The rules S1 to S20, broken one by one where one small change of the product breaks them; beside those in storage.ts, raft.ts and
 * multipaxos.ts. docs/simulation.md has the table of all rules.
 */

import type { Detector, Mutant } from "../mutant.ts";
import { clusterSeeds } from "../mutant.ts";

const safety: Detector = { kind: "tests", files: ["packages/shard/src/safety.test.ts"] };

export const ruleMutants: readonly Mutant[] = [
  {
    row: "S1",
    bug: "a second body under a stored id is taken for the first",
    file: "packages/blocks/src/block-store.ts",
    edits: [
      {
        find: "if (stored.bytes === bytes && stored.checksum === checksum) return;",
        replace: "if (stored.bytes >= 0 || stored.checksum === checksum || bytes === 0) return;",
      },
    ],
    detector: { kind: "tests", files: ["packages/blocks/src/block-store.test.ts"] },
  },
  {
    row: "S2",
    bug: "a block is acknowledged with one durable copy fewer than a quorum",
    file: "packages/node/src/replication/quorum.ts",
    edits: [
      {
        find: "return 1 + Math.ceil((width - 1) / 2);",
        replace: "return Math.max(1, Math.ceil((width - 1) / 2));",
      },
    ],
    detector: { kind: "cluster", firstSeed: 1, seedsMax: 30, fault: "wiped" },
  },
  {
    row: "S4",
    bug: "blocks that an attempt may still commit are garbage",
    file: "packages/shard/src/stream-status.ts",
    edits: [
      {
        find: 'return mayCommit(state, writer, number) ? "open" : "garbage";',
        replace: 'return mayCommit(state, writer, number) && number < 0 ? "open" : "garbage";',
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "S4",
    bug: "an attempt below the floor is committed all the same",
    file: "packages/shard/src/operate.ts",
    edits: [
      {
        find: "if (isAttemptClosed(current, attempt)) {",
        replace: "if (isAttemptClosed(current, attempt) && attempt < 0) {",
      },
    ],
    detector: safety,
  },
  {
    row: "S5",
    bug: "a reference that is added again is counted again",
    file: "packages/namespace/src/references.ts",
    edits: [{ find: "if (!hasReference(state, id, reference)) {", replace: "if (id.attempt >= 0) {" }],
    detector: safety,
  },
  {
    row: "S5",
    bug: "a dead content is brought back by a copy",
    file: "packages/namespace/src/references.ts",
    edits: [
      {
        find: "if (content === undefined || content.deadSinceMs !== undefined) return",
        replace: "if (content === undefined) return",
      },
    ],
    detector: safety,
  },
  {
    row: "S6",
    bug: "what is dead is erased at once, whoever reads it",
    file: "packages/node/src/maintenance/death-watch.ts",
    edits: [{ find: "nowMs - mark.atMs >= this.#graceMs ? mark", replace: "nowMs - mark.atMs >= 0 ? mark" }],
    detector: { kind: "tests", files: ["packages/node/src/maintenance/death-watch.test.ts"] },
  },
  {
    row: "S7",
    bug: "a volume is unlinked while the index may still point to it",
    file: "packages/blocks/src/compaction.ts",
    edits: [
      {
        find: "  writer.checkWritable();\n  await writer.flushIndex();",
        replace: "  writer.checkWritable();",
      },
    ],
    detector: { kind: "tests", files: ["packages/blocks/src/compaction.test.ts"] },
  },
  {
    row: "S12",
    bug: "a value of the state is believed whatever its checksum",
    file: "packages/state/src/group-state.ts",
    edits: [
      {
        find: "if (isSealed(this.#hashing, keys.checksum(storedKey), stored)) return",
        replace: "if (stored.length > 0) return",
      },
    ],
    detector: { kind: "tests", files: ["packages/state/src/state-store.test.ts"] },
  },
  {
    row: "S15",
    bug: "what nobody knows the outcome of is tried again under a new attempt",
    file: "packages/node/src/writer.ts",
    edits: [
      {
        find: "await untilKnown({ clock, stopping }, () => log.append(entry));",
        replace:
          'await untilKnown({ clock, stopping }, (() => { let tries = 0; return () => log.append(tries++ === 0 || command.kind !== "operate" ? entry : encode(shardEntryCodec, { timeMs: clock.wallMs(), command: { ...command, attempt: this.begin() } })); })());',
      },
    ],
    detector: { kind: "cluster", firstSeed: 1, seedsMax: 40, fault: "power-loss" },
  },
  {
    row: "S15",
    bug: "a command whose connection broke is taken for not applied",
    file: "packages/node/src/proposals/proposals.ts",
    edits: [
      {
        find: 'if (to === peer) this.#end(id, { kind: "failed", error: wireError(unknownFate()) });',
        replace: 'if (to === peer) this.#end(id, { kind: "failed", error: wireError(unreachable()) });',
      },
    ],
    detector: { kind: "tests", files: ["packages/node/src/proposals/proposals.test.ts"] },
  },
  {
    row: "S16",
    bug: "time goes back with the clock of whoever leads",
    file: "packages/namespace/src/cluster-time.ts",
    edits: [
      {
        find: "if (proposedMs <= beforeMs) return beforeMs;",
        replace: "if (proposedMs === beforeMs) return beforeMs;",
      },
    ],
    detector: safety,
  },
  {
    row: "S17",
    bug: "a sealed bucket takes commits",
    file: "packages/namespace/src/installed-buckets.ts",
    edits: [
      {
        find: 'return installed.sealed ? refusal("Overloaded", "bucket") : installed;',
        replace: 'return installed.sealed && bucket < 0 ? refusal("Overloaded", "bucket") : installed;',
      },
    ],
    detector: safety,
  },
  {
    row: "S18",
    bug: "a node goes on to serve when its learner lease has run out",
    file: "packages/node/src/learner-lease/learner-lease.ts",
    edits: [{ find: "if (ageMs < leaseMs) {", replace: "if (ageMs < Number.POSITIVE_INFINITY) {" }],
    detector: { kind: "tests", files: ["packages/node/src/learner-lease/learner-lease.test.ts"] },
  },
  {
    row: "S19",
    bug: "a page of a listing is read without a barrier of its own",
    file: "packages/node/src/shard-replica.ts",
    edits: [
      {
        find: "return andThen(this.log.readBarrier(), () => this.#options.state);",
        replace: "return this.#options.state;",
      },
    ],
    detector: clusterSeeds,
  },
  {
    row: "S20",
    bug: "an upload is completed with parts that are others than those listed",
    file: "packages/namespace/src/complete-upload.ts",
    edits: [
      {
        find: "if (found === undefined || !equalBytes(found.part.md5, md5))",
        replace: "if (found === undefined || md5.length === 0)",
      },
      { find: "import { assert, epoch, equalBytes, limits }", replace: "import { assert, epoch, limits }" },
    ],
    detector: safety,
  },
  {
    row: "S20",
    bug: "a completion that is sent again finds no upload",
    file: "packages/namespace/src/complete-upload.ts",
    edits: [
      {
        find: "if (upload === undefined) return firstAnswer(scope, request);",
        replace: 'if (upload === undefined) return refusal("UploadNotFound");',
      },
    ],
    detector: clusterSeeds,
  },
];
