/**
 * What a group's replica has in storage when it is opened, and whether it may go on as the replica that it was (S9 to S11).
 *
 * A replica that may have forgotten what it promised is refused, with nothing changed: it has to be forgotten here and to
 * join anew under another number.
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import { assert, ballot, logIndex, StoreError } from "@holdfast/base";
import type { Entry, LogPosition, Membership, Restored, SnapshotPosition } from "@holdfast/consensus";
import { entryOfStored } from "@holdfast/consensus";
import type { GroupInfo, Suspicion, WriteAheadLog } from "@holdfast/wal";
import type { GroupMachine } from "./group-machine.ts";

export interface ReplicaStorage {
  readonly wal: WriteAheadLog;
  readonly group: GroupId;
  readonly machine: GroupMachine<unknown>;
  /** The log incarnation that the replica's number was given out for. */
  readonly incarnation: string;
  /** `existing`: the caller has it on record that this replica was opened before. */
  readonly origin: "new" | "existing";
  /** Of the group at its creation; counts until the state names one. */
  readonly membership: Membership;
}

const readBytesMax = 8 * 1024 * 1024;

export async function restoreReplica(storage: ReplicaStorage): Promise<Restored> {
  const { wal, group, machine, membership } = storage;
  if (storage.incarnation !== wal.incarnation)
    throw lost(group, `the log is another one than its number ${storage.incarnation} was given out for`);
  const info = wal.group(group) ?? (await beginLog(storage));
  await finishInstalling(machine, info);
  const isNamed = machine.applied.membership.voters.length > 0;
  const applied = isNamed ? machine.applied : { ...machine.applied, membership };
  const missing = lostPosition(group, info.suspicion, applied);
  await joinLogToState(storage, info, applied);
  if (info.suspicion !== undefined && missing === undefined) await wal.settle(group);
  return {
    hardState: info.hardState,
    applied,
    entries: await entriesBehind(wal, group, applied.index),
    lost: missing,
  };
}

/** From now on the log knows the group: that it is not on record can only mean that the log was lost. */
async function beginLog({ wal, group, machine, origin }: ReplicaStorage): Promise<GroupInfo> {
  if (origin === "existing" || machine.applied.index > 0)
    throw lost(group, "nothing of it is in the log, where it was before");
  await wal.append({ group, base: { index: logIndex(0), ballot: ballot(0) }, entries: [] });
  const info = wal.group(group);
  assert(info !== undefined, "what was written is on record");
  return info;
}

/**
 * A snapshot is installed in three steps, of which the second decides:
 *   1. it is durable beside the state;
 *   2. the log begins anew behind it;
 *   3. it becomes the state.
 * A crash between 2 and 3 is finished here.
 */
async function finishInstalling(machine: GroupMachine<unknown>, info: GroupInfo): Promise<void> {
  const { staged } = machine;
  if (staged === undefined) return;
  if (staged.position.index === info.checkpoint && info.checkpoint > machine.applied.index)
    await staged.install();
  else await staged.discard();
}

/** Undefined when nothing was lost that the state does not show. */
function lostPosition(
  group: GroupId,
  suspicion: Suspicion | undefined,
  applied: SnapshotPosition,
): LogPosition | undefined {
  if (suspicion === undefined) return undefined;
  const { hardStateLost, openEnded, through, evidence } = suspicion;
  const isAlone = applied.membership.voters.length === 1 && applied.membership.outgoing.length === 0;
  // What was never written whole was acknowledged to nobody, and an only voter has promised nothing but to itself.
  if (isAlone && !openEnded && evidence === "torn") return undefined;
  if (hardStateLost || openEnded) throw lost(group, "it may have promised what its log no longer says");
  if (through < suspicion.from || through <= applied.index) return undefined;
  if (isAlone) throw lost(group, `entries up to ${through} are damaged, and no other voter has them`);
  return { index: through, ballot: suspicion.ballot };
}

/** S9: what is applied was durable in this log. It ends before that only if what is damaged lay there. */
async function joinLogToState(
  { wal, group }: ReplicaStorage,
  info: GroupInfo,
  applied: SnapshotPosition,
): Promise<void> {
  if (info.checkpoint > applied.index)
    throw lost(group, `the log begins behind ${info.checkpoint}, the state ends at ${applied.index}`);
  if (info.lastIndex >= applied.index) return;
  if (info.suspicion === undefined)
    throw lost(group, `the log ends at ${info.lastIndex}, before the applied index ${applied.index}`);
  await wal.append({ group, base: { index: applied.index, ballot: applied.ballot }, entries: [] });
}

async function entriesBehind(
  wal: WriteAheadLog,
  group: GroupId,
  applied: LogIndex,
): Promise<readonly Entry[]> {
  const end = wal.group(group)?.lastIndex ?? applied;
  const entries: Entry[] = [];
  for (let next = logIndex(applied + 1); next <= end; next = logIndex(applied + entries.length + 1))
    for (const entry of await wal.entries(group, next, logIndex(end + 1), readBytesMax))
      entries.push(entryOfStored(entry.index, entry.ballot, entry.payload));
  return entries;
}

function lost(group: GroupId, problem: string): StoreError {
  return new StoreError(
    "DataCorrupt",
    `Group ${group}: ${problem}. What it promised may be forgotten, so the node has to come back without its log: \`holdfast server --rejoin\`.`,
    { fields: { group } },
  );
}
