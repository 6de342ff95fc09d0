/** The same bugs where they live outside the protocol: in the log, the state and the shard's state machine. */

import type { Detector, Mutant } from "../mutant.ts";

const logTests: Detector = {
  kind: "tests",
  files: ["packages/wal/src/segmented-log.test.ts", "packages/wal/src/open-log.test.ts"],
};

export const storageMutants: readonly Mutant[] = [
  {
    row: "12",
    bug: "a write whose sync failed is tried again, and the second success believed",
    file: "packages/wal/src/segmented-log.ts",
    edits: [
      {
        find: "await segment.write(offset, padded);",
        replace: "await segment.write(offset, padded).catch(() => segment.write(offset, padded));",
      },
    ],
    detector: logTests,
  },
  {
    row: "14",
    bug: "a state is flushed under the applied index of an earlier one",
    file: "packages/state/src/group-state.ts",
    edits: [
      {
        find: "const record = { position: this.#position, digest",
        replace:
          "const earlier = { ...this.#position, index: Math.max(0, this.#position.index - 1) as LogIndex };\n    const record = { position: earlier, digest",
      },
    ],
    detector: { kind: "tests", files: ["packages/state/src/state-store.test.ts"] },
  },
  {
    row: "23",
    bug: "an attempt that comes again is carried out again",
    file: "packages/shard/src/operate.ts",
    edits: [
      { find: "if (hasAttempt(current.answered, attempt)) {", replace: "if (attempt < 0) {" },
      {
        find: "answered: addAttempt(current.answered, attempt) });",
        replace:
          "answered: hasAttempt(current.answered, attempt) ? current.answered : addAttempt(current.answered, attempt) });",
      },
    ],
    detector: { kind: "tests", files: ["packages/shard/src/safety.test.ts"] },
  },
  {
    row: "26",
    bug: "damage in the middle of the log's last batch is cut like a torn tail",
    file: "packages/wal/src/open-log.ts",
    edits: [
      { find: ' && found?.evidence === "torn" && options', replace: " && found !== undefined && options" },
    ],
    detector: logTests,
  },
  {
    row: "S3",
    bug: "in joint, one of the new slots is enough for a block to count as stored",
    file: "packages/node/src/replication/quorum.ts",
    edits: [{ find: "|| isQuorum(next, width, holds)", replace: "|| next.some(holds)" }],
    detector: {
      kind: "tests",
      files: [
        "packages/node/src/replication/quorum.test.ts",
        "packages/node/src/replication/replicated-put.test.ts",
      ],
    },
  },
  {
    row: "S3",
    bug: "a part is committed whose blocks were stored under a closed epoch",
    file: "packages/shard/src/closed-epoch.ts",
    edits: [
      {
        find: 'if (operation.kind === "putPart") return operation.evidenceEpoch;',
        replace: 'if (operation.kind === "putPart") return undefined;',
      },
    ],
    detector: { kind: "tests", files: ["packages/shard/src/safety.test.ts"] },
  },
  {
    row: "S3",
    bug: "a refusal for stale evidence is the attempt's result, and better evidence comes too late",
    file: "packages/shard/src/operate.ts",
    edits: [
      {
        find: "  if (hasStaleEvidence(state, operation)) {\n    storeWriter(state, writer, current);",
        replace:
          '  if (hasStaleEvidence(state, operation)) {\n    storeResult(state, writer, attempt, refusal("StaleEvidence"));\n    storeWriter(state, writer, { ...current, answered: addAttempt(current.answered, attempt) });',
      },
    ],
    detector: { kind: "tests", files: ["packages/shard/src/safety.test.ts"] },
  },
  {
    row: "S8",
    bug: "recovery takes what it read at the log's end for durable",
    file: "packages/wal/src/open-log.ts",
    edits: [
      {
        find: "recoveryRecords(logs, held)",
        replace: "recoveryRecords(logs, held === undefined ? held : undefined)",
      },
    ],
    detector: logTests,
  },
  {
    row: "S9",
    bug: "a segment begins without the state of the groups that it outlives",
    file: "packages/wal/src/segmented-log.ts",
    edits: [
      { find: "const restated = [...this.#logs.values()];", replace: "const restated: GroupLog[] = [];" },
    ],
    detector: logTests,
  },
  {
    row: "S11",
    bug: "a log goes on behind a write that failed",
    file: "packages/wal/src/segmented-log.ts",
    edits: [
      {
        find: "this.#queue.rejectTaken(items, this.#poisonBy(error));",
        replace: 'this.#queue.rejectTaken(items, new WalError("poisoned", "not for long"));',
      },
    ],
    detector: { kind: "tests", files: ["packages/wal/src/segmented-log.test.ts"] },
  },
];
