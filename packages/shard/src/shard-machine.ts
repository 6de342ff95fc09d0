/**
 * What one entry of a shard's log does. Deterministic: everything follows from the entries before and this one. Never
 * fails for an entry that decodes: what must not happen is a result that says so, and changed nothing but the writer's
 * record and the time.
 */

import type { ShardId } from "@holdfast/base";
import type { EntryScope } from "@holdfast/namespace";
import {
  addReference,
  advanceClusterTime,
  dropReference,
  forgetContent,
  installBucket,
  removeBucket,
  sealBucket,
  settleDrop,
  unsealBucket,
} from "@holdfast/namespace";
import type { CommittedEntry, StateMachine, StateWriter } from "@holdfast/ports";
import { closeEpoch } from "./closed-epoch.ts";
import type { ShardCommand } from "./command.ts";
import { shardEntryCodec } from "./command.ts";
import { decodeEntry } from "./decode-entry.ts";
import { operate } from "./operate.ts";
import type { ShardResult } from "./result.ts";
import { closeWriter, findWriter, openWriter, publishProgress, storeWriter } from "./writers.ts";

const done: ShardResult = { kind: "done" };

export class ShardMachine implements StateMachine<ShardResult> {
  readonly #shard: ShardId;
  readonly #state: StateWriter;

  constructor(shard: ShardId, state: StateWriter) {
    this.#shard = shard;
    this.#state = state;
  }

  apply({ index, command }: CommittedEntry): ShardResult {
    const entry = decodeEntry(shardEntryCodec, command, index);
    const timeMs = advanceClusterTime(this.#state, entry.timeMs);
    return applyCommand({ state: this.#state, shard: this.#shard, index, timeMs }, entry.command);
  }
}

function applyCommand(scope: EntryScope, command: ShardCommand): ShardResult {
  const { state } = scope;
  switch (command.kind) {
    case "operate":
      return operate(scope, command);
    case "openWriter":
      return { kind: "writerOpened", writer: openWriter(scope, command.node, command.run) };
    case "closeWriter":
      closeWriter(state, command.writer);
      return done;
    case "publishProgress":
      return applyProgress(scope, command);
    case "installBucket":
      return installBucket(scope, command.bucket, command.settings) ?? done;
    case "sealBucket":
      return sealBucket(scope, command.bucket);
    case "unsealBucket":
      return unsealBucket(scope, command.bucket) ?? done;
    case "removeBucket":
      return removeBucket(scope, command.bucket);
    case "addReference":
      return addReference(scope, command.content, command.reference);
    case "dropReferences":
      for (const { content, reference } of command.drops) dropReference(scope, content, reference);
      return done;
    case "settleDrops":
      for (const sequence of command.sequences) settleDrop(state, sequence);
      return done;
    case "forgetContents":
      for (const content of command.contents) forgetContent(scope, content);
      return done;
    case "closeEpoch":
      closeEpoch(state, command.epoch);
      return done;
  }
}

function applyProgress(
  { state, timeMs }: EntryScope,
  { writer, progress }: Extract<ShardCommand, { readonly kind: "publishProgress" }>,
): ShardResult {
  const found = findWriter(state, writer);
  if (found === undefined) return { kind: "writerClosed" };
  storeWriter(state, writer, { ...publishProgress(state, writer, found, progress), lastSeenMs: timeMs });
  return done;
}
