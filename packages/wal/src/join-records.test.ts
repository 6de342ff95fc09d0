import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, groupId, logIndex } from "@holdfast/base";
import type { QueuedWrite } from "./append-queue.ts";
import { joinRecords } from "./join-records.ts";
import type { LogRecord } from "./record.ts";
import type { LogEntry } from "./write-ahead-log.ts";

const [one, two] = [groupId(1), groupId(2)];

function entry(index: number): LogEntry {
  return { index: logIndex(index), ballot: ballot(1), payload: Uint8Array.of(index) };
}

function entries(group: typeof one, ...indexes: readonly number[]): LogRecord {
  return { kind: "entries", group, entries: indexes.map(entry) };
}

function joined(...records: readonly LogRecord[]): readonly LogRecord[] {
  const items = records.map(
    (record): QueuedWrite => ({
      kind: "append",
      records: [record],
      bytes: 0,
      resolve: () => undefined,
      reject: () => undefined,
    }),
  );
  return joinRecords(items);
}

test("join: appends to a group one behind the other become one record, whatever came of others between", () => {
  const records = joined(
    entries(one, 4),
    entries(two, 9),
    entries(one, 5, 6),
    entries(two, 10),
    entries(one, 7),
  );
  assert.deepEqual(records, [entries(one, 4, 5, 6, 7), entries(two, 9, 10)]);
});

test("join: entries that replace others, and those behind another record of the group, stay apart", () => {
  const hardState: LogRecord = { kind: "hard-state", group: one, hardState: Uint8Array.of(1) };
  const records = [entries(one, 4, 5), entries(one, 5), hardState, entries(one, 6)];
  assert.deepEqual(joined(...records), records);
});

test("join: what was appended is left as it is", () => {
  const first = entries(one, 1);
  joined(first, entries(one, 2));
  assert.deepEqual(first, entries(one, 1));
});
