/** Numbered operations: each is done at most once per writer and attempt (S15). */

import type { ContentId } from "@holdfast/base";
import { limits, present } from "@holdfast/base";
import type { EntryScope } from "@holdfast/namespace";
import {
  abortUpload,
  completeUpload,
  createUpload,
  deleteFile,
  putFile,
  putPart,
  refusal,
} from "@holdfast/namespace";
import { addAttempt, countAttempts, hasAttempt } from "./attempt-set.ts";
import { hasStaleEvidence } from "./closed-epoch.ts";
import type { Operation, ShardCommand } from "./command.ts";
import type { ShardResult } from "./result.ts";
import { isAttemptClosed, withProgress } from "./writer-record.ts";
import { findResult, findWriter, publishProgress, storeResult, storeWriter } from "./writers.ts";

export type Operate = Extract<ShardCommand, { readonly kind: "operate" }>;

/**
 * The progress that a command carries holds before its own operation is judged. Then, in this order:
 *
 * 1. S15: an unknown writer's command is not executed; nobody knows whether it was before.
 * 2. S4: nor is a closed attempt's. Its blocks may be erased already.
 * 3. S15: an attempt that has a result gets that result again.
 * 4. A writer with too many results it did not acknowledge is refused, and the attempt closed in the same entry: a
 *    second copy of the command, still under way somewhere, must not execute what was answered as not applied.
 * 5. S3: evidence of a closed epoch is refused, and the attempt left open without a result: it comes again with better
 *    evidence. A second copy of the refused command executes nothing either, however late it comes: it carries the same
 *    evidence, and a closed epoch is never opened again. One of the better command finds the result of the first (S15).
 */
export function operate(scope: EntryScope, { writer, attempt, progress, operation }: Operate): ShardResult {
  const { state, timeMs } = scope;
  const found = findWriter(state, writer);
  if (found === undefined) return { kind: "writerClosed" };
  const current = { ...publishProgress(state, writer, found, progress), lastSeenMs: timeMs };
  if (isAttemptClosed(current, attempt)) {
    storeWriter(state, writer, current);
    return { kind: "writerClosed" };
  }
  if (hasAttempt(current.answered, attempt)) {
    storeWriter(state, writer, current);
    return present(findResult(state, writer, attempt), "result of an answered attempt");
  }
  if (countAttempts(current.answered) >= limits.resultsPerWriterMax) {
    const closed = [{ first: attempt, last: attempt }];
    storeWriter(state, writer, withProgress(current, { floor: current.floor, closed }));
    return refusal("Overloaded");
  }
  if (hasStaleEvidence(state, operation)) {
    storeWriter(state, writer, current);
    return refusal("StaleEvidence");
  }
  const result = execute(scope, { home: scope.shard, writer, attempt }, operation);
  storeResult(state, writer, attempt, result);
  storeWriter(state, writer, { ...current, answered: addAttempt(current.answered, attempt) });
  return result;
}

function execute(scope: EntryScope, attempt: ContentId, operation: Operation): ShardResult {
  switch (operation.kind) {
    case "putFile":
      return putFile(scope, attempt, operation);
    case "deleteFile":
      return deleteFile(scope, operation);
    case "createUpload":
      return createUpload(scope, operation);
    case "putPart":
      return putPart(scope, attempt, operation);
    case "completeUpload":
      return completeUpload(scope, attempt, operation);
    case "abortUpload":
      return abortUpload(scope, operation);
  }
}
