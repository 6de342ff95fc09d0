/**
 * Brings a directory of format 1 to format 2: there each group had one voter, and its log commands alone, without the byte that
 * says what an entry is. Each group is applied to its end; its log then begins anew behind that, empty.
 *
 * What is durable when: 1. the states, with all that the logs held; 2. each log's new beginning; 3. the identity says format 2
 * (the caller's step). A crash before 3 repeats all: a log that begins anew already has nothing to apply.
 */

import type { GroupId } from "@holdfast/base";
import { assert, ballot, emptyBytes, logIndex, StoreError, shardId } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import type { StateMachine } from "@holdfast/ports";
import { ShardMachine, SystemMachine } from "@holdfast/shard";
import type { GroupState, StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { shardGroup, systemGroup } from "./group-ids.ts";

/** One voter never held an election. */
const onlyBallot = ballot(1);
const replayBytesMax = 8 * 1024 * 1024;

export async function upgradeLogs(wal: WriteAheadLog, states: StateStore): Promise<void> {
  const system = states.group(systemGroup);
  await replay(wal, system, new SystemMachine(system));
  const groups: GroupId[] = [systemGroup];
  const { shardCount } = findCluster(system) ?? { shardCount: 0 };
  for (let i = 0; i < shardCount; i++) {
    const id = shardId(i);
    const state = states.group(shardGroup(id));
    await replay(wal, state, new ShardMachine(id, state));
    groups.push(state.group);
  }
  await states.flush();
  for (const group of groups) {
    const index = states.group(group).appliedIndex;
    if (index > 0) await wal.append({ group, base: { index, ballot: onlyBallot }, entries: [] });
  }
}

async function replay(wal: WriteAheadLog, state: GroupState, machine: StateMachine<unknown>): Promise<void> {
  const { group } = state;
  const end = wal.group(group)?.lastIndex ?? logIndex(0);
  if (state.appliedIndex > end)
    // S9: applied entries were durable in this log; that it ends before them means that the log was lost.
    throw new StoreError(
      "DataCorrupt",
      `The log of group ${group} ends at ${end}, before the applied index ${state.appliedIndex}: log files are missing. Restore them, or recover from a backup.`,
    );
  while (state.appliedIndex < end) {
    const from = logIndex(state.appliedIndex + 1);
    const entries = await wal.entries(group, from, logIndex(end + 1), replayBytesMax);
    assert(entries.length > 0, `log of group ${group} has no entry ${from}`);
    for (const { index, payload } of entries) {
      machine.apply({ index, command: payload });
      state.advance({ index, ballot: onlyBallot, membership: emptyBytes });
    }
  }
}
