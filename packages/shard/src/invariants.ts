import type { ShardId } from "@holdfast/base";
import { assert, attempt, encode, prefixEnd, writerId } from "@holdfast/base";
import { checkNamespaceInvariants } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { AttemptSet } from "./attempt-set.ts";
import { attemptSetCodec, countAttempts, hasAttempt, normalizeRanges } from "./attempt-set.ts";
import { numberInKey, resultsTable } from "./shard-keys.ts";
import { isAttemptClosed } from "./writer-record.ts";
import type { OpenWriter } from "./writers.ts";
import { findResult, findWriter, lastWriter, listWriters } from "./writers.ts";

/** What holds in a shard's state behind every entry. Walks everything; throws AssertionError. */
export function checkInvariants(state: StateReader, shard: ShardId): void {
  checkNamespaceInvariants(state, shard);
  let answered = 0;
  for (const writer of listWriters(state)) {
    checkWriter(state, writer);
    answered += countAttempts(writer.answered);
  }
  let stored = 0;
  for (const { key } of state.range({ from: resultsTable, to: prefixEnd(resultsTable) })) {
    const writer = writerId(numberInKey(key));
    const number = attempt(numberInKey(key, 1));
    const found = findWriter(state, writer);
    assert(found !== undefined, `result of closed writer ${writer}`);
    assert(!isAttemptClosed(found, number), `result of closed attempt ${writer}.${number}`);
    assert(hasAttempt(found.answered, number), `result of unanswered attempt ${writer}.${number}`);
    assert(findResult(state, writer, number) !== undefined, `result of ${writer}.${number}`);
    stored += 1;
  }
  assert(stored === answered, `${stored} results for ${answered} answered attempts`);
}

function checkWriter(state: StateReader, { writer, floor, closed, answered }: OpenWriter): void {
  assert(writer <= lastWriter(state), `writer ${writer} above the last`);
  assert(isNormal(closed) && isNormal(answered), `ranges of writer ${writer} are not in normal form`);
  assert(
    closed.every(({ first }) => first > floor),
    `closed ranges of writer ${writer} touch its floor`,
  );
}

function isNormal(set: AttemptSet): boolean {
  const [a, b] = [encode(attemptSetCodec, set), encode(attemptSetCodec, normalizeRanges(set))];
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
