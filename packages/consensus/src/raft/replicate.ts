/** What a leader sends to one follower now: entries, as far as its progress allows, or the commit index alone. */

import type { LogIndex } from "@holdfast/base";
import { logIndex } from "@holdfast/base";
import type { Fetched } from "../contract/consensus.ts";
import type { Entry, LogPosition } from "../contract/entry.ts";
import { entryBytes } from "../contract/entry.ts";
import type { FollowerProgress } from "./follower-progress.ts";
import type { RaftCore } from "./raft-core.ts";

type FetchedEntries = Extract<Fetched, { readonly kind: "entries" }>;

/** `fetched`: entries that the host has read for it, which are not in memory any more. */
export function replicate(core: RaftCore, progress: FollowerProgress, fetched?: FetchedEntries): void {
  if (fetched !== undefined && fetched.previous.index === progress.nextIndex - 1 && !progress.isPaused)
    send(core, progress, fetched.previous, fetched.entries);
  const { log, limits } = core;
  while (!progress.isPaused && progress.nextIndex <= log.lastIndex) {
    const previousIndex = logIndex(progress.nextIndex - 1);
    const ballot = log.ballotAt(previousIndex);
    if (ballot === undefined) {
      progress.isFetching = true;
      const { index: through } = log.base;
      const { messageBytesMax: bytesMax } = limits;
      core.fetches.push({ to: progress.id, from: progress.nextIndex, through, bytesMax });
      return;
    }
    const entries = log.slice(progress.nextIndex, log.lastIndex, limits.messageBytesMax);
    send(core, progress, { index: previousIndex, ballot }, entries);
  }
  if (progress.needsProbe && progress.mode !== "snapshot") probe(core, progress);
  progress.needsProbe = false;
  tellCommit(core, progress);
}

function send(
  core: RaftCore,
  progress: FollowerProgress,
  previous: LogPosition,
  entries: readonly Entry[],
): void {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  const lastIndex = logIndex(previous.index + entries.length);
  sendEntries(core, progress, previous, entries);
  progress.commitSent = logIndex(Math.max(progress.commitSent, Math.min(core.commitIndex, lastIndex)));
  progress.onSent(lastIndex, bytes);
}

/** Asks without entries: a follower that lacks what was sent to it says so. */
function probe(core: RaftCore, progress: FollowerProgress): void {
  const index = logIndex(progress.nextIndex - 1);
  const ballot = core.log.ballotAt(index);
  if (ballot !== undefined) sendEntries(core, progress, { index, ballot }, []);
}

function sendEntries(
  core: RaftCore,
  { id: to }: FollowerProgress,
  previous: LogPosition,
  entries: readonly Entry[],
): void {
  core.send({
    kind: "AppendEntries",
    from: core.id,
    to,
    ballot: core.ballot,
    previousIndex: previous.index,
    previousBallot: previous.ballot,
    entries,
    commitIndex: core.commitIndex,
  });
}

function tellCommit(core: RaftCore, progress: FollowerProgress): void {
  if (progress.mode !== "replicate") return;
  const known: LogIndex = logIndex(Math.min(core.commitIndex, progress.matchIndex));
  if (known <= progress.commitSent) return;
  progress.commitSent = known;
  const { id: from, ballot } = core;
  core.send({ kind: "AdvanceCommit", from, to: progress.id, ballot, commitIndex: known });
}
