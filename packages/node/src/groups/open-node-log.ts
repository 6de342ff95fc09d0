/**
 * Opens the node's write-ahead log and judges what recovery found.
 *
 * A node that is alone has nobody to fetch lost entries from: a tail that was torn while it was written was never
 * acknowledged and is cut; anything else that is damaged may have been acknowledged, and the node refuses to start rather than
 * to forget it (S10, S11). With others, groups that may have lost something say so to their replicas, which neither vote nor
 * count until they have it back, or refuse to open where not even that can be known (groups/restore-replica.ts).
 */

import type { Random } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Clock, Disk, Hashing, Journal, Metrics } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { folders } from "../identity.ts";

export interface LogPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics?: Metrics;
}

export interface LogChoices {
  readonly segmentBytes: number | undefined;
  readonly reserveBytes: number | undefined;
  /** This node is all there is of its cluster. */
  readonly isAlone: boolean;
  /** Of a log that is made; drawn unless given. */
  readonly incarnation?: Uint8Array;
}

export interface OpenedLog {
  readonly log: WriteAheadLog;
  /** Groups may be missing that were here: one that is not on record may be one that lost everything (S10). */
  readonly mayLackGroups: boolean;
}

export async function openNodeLog(ports: LogPorts, choices: LogChoices): Promise<OpenedLog> {
  const { disk, clock, random, hashing, journal, metrics = silentMetrics } = ports;
  const segments = choices.segmentBytes === undefined ? {} : { segmentBytes: choices.segmentBytes };
  const reserve = choices.reserveBytes === undefined ? {} : { reserveBytes: choices.reserveBytes };
  const life = choices.incarnation === undefined ? {} : { incarnation: choices.incarnation };
  const options = {
    disk,
    clock,
    random,
    hashing,
    journal,
    metrics,
    folder: folders.log,
    ...segments,
    ...reserve,
    ...life,
  };
  const onTornTail = choices.isAlone ? "cut" : "suspect";
  const { log, recovery } = await openWriteAheadLog({ ...options, onTornTail });
  const { cut, suspects, headersLost, damagedBatchesCount } = recovery;
  // Also where nothing that still counts was lost: the disk is not what it should be.
  if (headersLost || damagedBatchesCount > 0)
    journal.warn("log batches damaged", { damagedBatches: damagedBatchesCount, headersLost });
  if (cut !== undefined)
    journal.warn("log tail cut", { segment: cut.segment, offset: cut.offset, evidence: cut.evidence });
  if (suspects.size === 0 && !headersLost) return { log, mayLackGroups: false };
  for (const [group, { from, through, evidence }] of suspects)
    journal.error("log damaged", { group, from, through, evidence });
  if (!choices.isAlone) return { log, mayLackGroups: headersLost };
  await log.close();
  const where =
    suspects.size === 0 ? "batches whose headers are gone" : `groups ${[...suspects.keys()].join(", ")}`;
  throw new StoreError(
    "DataCorrupt",
    `The log is damaged where entries may have been acknowledged (${where}). Restore the data directory from a backup; nothing that was stored has been removed.`,
  );
}
