import type { GroupId } from "@holdfast/base";
import type { QueuedWrite } from "./append-queue.ts";
import type { LogRecord } from "./record.ts";
import type { LogEntry } from "./write-ahead-log.ts";

/**
 * The records of a batch, in the order of their effects on each group. What concurrent writers appended to a group one
 * behind the other becomes one record: building a batch and making it count cost by the record.
 */
export function joinRecords(items: readonly QueuedWrite[]): readonly LogRecord[] {
  const records: LogRecord[] = [];
  /** Entries of each group's last record, while nothing else of the group came behind it. */
  const growing = new Map<GroupId, LogEntry[]>();
  for (const item of items) {
    for (const record of item.records) {
      const before = growing.get(record.group);
      if (record.kind === "entries" && before !== undefined && follows(record.entries, before)) {
        for (const entry of record.entries) before.push(entry);
        continue;
      }
      growing.delete(record.group);
      if (record.kind === "entries") {
        const entries = [...record.entries];
        growing.set(record.group, entries);
        records.push({ kind: "entries", group: record.group, entries });
      } else records.push(record);
    }
  }
  return records;
}

/** Entries that replace others stay a record of their own: theirs is another effect. */
function follows(entries: readonly LogEntry[], before: readonly LogEntry[]): boolean {
  const last = before[before.length - 1];
  return last !== undefined && entries[0]?.index === last.index + 1;
}
