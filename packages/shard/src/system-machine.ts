/** What one entry of the system group's log does. */

import type { LogIndex } from "@holdfast/base";
import type { Bucket, Refusal } from "@holdfast/namespace";
import {
  activateBucket,
  advanceClusterTime,
  beginBucketDelete,
  cancelBucketDelete,
  createBucket,
  createCluster,
  finishBucketDelete,
} from "@holdfast/namespace";
import type { CommittedEntry, StateMachine, StateWriter } from "@holdfast/ports";
import { applyClusterCommand, doneOr } from "./cluster/apply-command.ts";
import { noteWidth } from "./cluster/used-widths.ts";
import { decodeEntry } from "./decode-entry.ts";
import type { SystemCommand, SystemResult } from "./system-command.ts";
import { systemEntryCodec } from "./system-command.ts";

export class SystemMachine implements StateMachine<SystemResult> {
  readonly #state: StateWriter;

  constructor(state: StateWriter) {
    this.#state = state;
  }

  apply({ index, command }: CommittedEntry): SystemResult {
    const entry = decodeEntry(systemEntryCodec, command, index);
    const timeMs = advanceClusterTime(this.#state, entry.timeMs);
    return applyCommand({ state: this.#state, index, timeMs }, entry.command);
  }
}

type CreateBucket = Extract<SystemCommand, { readonly kind: "createBucket" }>;

interface SystemScope {
  readonly state: StateWriter;
  readonly index: LogIndex;
  readonly timeMs: number;
}

function applyCommand(scope: SystemScope, command: SystemCommand): SystemResult {
  const { state } = scope;
  switch (command.kind) {
    case "createCluster":
      return doneOr(createCluster(scope, command.clusterId, command.shardCount));
    case "createBucket":
      return bucketOr(createdBucket(scope, command));
    case "activateBucket":
      return bucketOr(activateBucket(state, command.bucket));
    case "beginBucketDelete":
      return bucketOr(beginBucketDelete(state, command.bucket));
    case "cancelBucketDelete":
      return bucketOr(cancelBucketDelete(state, command.bucket));
    case "finishBucketDelete":
      return doneOr(finishBucketDelete(state, command.bucket));
    case "foundCluster":
    case "issueToken":
    case "revokeToken":
    case "joinNode":
    case "rejoinNode":
    case "announceNode":
    case "changeNode":
    case "removeNode":
    case "setLayout":
    case "assignReplica":
    case "dropReplica":
    case "closeShards":
    case "completeSlots":
    case "revertLayout":
      return applyClusterCommand(scope, command);
  }
}

function createdBucket(scope: SystemScope, command: CreateBucket): Bucket | Refusal {
  const outcome = createBucket(scope, command);
  if (!("kind" in outcome)) noteWidth(scope.state, outcome.settings);
  return outcome;
}

function bucketOr(outcome: Bucket | Refusal): SystemResult {
  return "kind" in outcome ? outcome : { kind: "bucket", bucket: outcome };
}
