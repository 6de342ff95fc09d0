/**
 * A node whose log is lost for good comes back under its own id and with its volumes (S11). It has forgotten what its replicas
 * promised, so it is never again who it was: its log is made anew under another incarnation, each group gives that one another
 * number, and it votes when the group's own log says so (cluster/group-move.ts). Only an operator can say that the log is lost: for a
 * node it looks like a folder that was not mounted.
 *
 *   1. `asking`: the incarnation that the log is to have is chosen, and the cluster asked. Nothing else was changed: refused, or
 *      unanswered, the node may still start as who it was if its log is found.
 *   2. `forgetting`: let in, it is who it was no more. Log and states go, and a log is made under the new incarnation. A start that was
 *      cut short here begins with this anew: nothing was promised under it yet.
 *   3. `entering`: from now on the log may not be missing. The node learns from its groups, as one that joins.
 *   4. `done`: its state says that this log is its own.
 *
 * Each begins when the identity says so durably. From 2 on the node goes on by itself; the token of 1, brought again, is no new wish.
 */

import { assert, fromHex, present, StoreError, toHex } from "@holdfast/base";
import { readStoreIncarnation } from "@holdfast/blocks";
import { listIfPresent } from "@holdfast/ports";
import { checkGivenUpLog } from "./check-directory.ts";
import { lifeOf, newNode, ownId } from "./cluster/own-record.ts";
import { storeWayIn } from "./cluster/way-in.ts";
import type { LogPorts } from "./groups/open-node-log.ts";
import { openNodeLog } from "./groups/open-node-log.ts";
import type { Identity, RejoinRecord } from "./identity.ts";
import { folders, readIdentity, writeIdentity } from "./identity.ts";
import type { Rejoining } from "./node-options.ts";
import type { Opening } from "./opening.ts";
import { forgetStates } from "./state-store/state-folder.ts";

const incarnationBytes = 16;

/** Step 1. StoreError with nothing changed when there is nothing to come back with, or the cluster refuses. */
export async function beginRejoin({ ports, options }: Opening, rejoining: Rejoining): Promise<void> {
  const { disk, hashing, random } = ports;
  const found = await readIdentity(disk);
  if (found?.complete !== true) throw nothingToRejoin();
  if (isTakenUp(found.rejoin, rejoining)) return;
  if (rejoining.clusterId !== found.clusterId) throw otherCluster();
  await checkGivenUpLog(disk, hashing);
  const volumes = await readStoreIncarnation(disk, folders.blocks, hashing);
  if (volumes === undefined) throw lostVolumes();
  const wish = wishOf(found.rejoin, rejoining) ?? {
    token: rejoining.token,
    incarnation: toHex(random.bytes(incarnationBytes)),
    stage: "asking",
  };
  await writeIdentity(disk, { ...found, rejoin: wish });
  const node = newNode(ownId(found), lifeOf(wish.incarnation, volumes), options.place ?? {});
  await storeWayIn(disk, hashing, await rejoining.enter(node));
  await writeIdentity(disk, { ...found, rejoin: { ...wish, stage: "forgetting" } });
}

/** Step 2; before the state store is opened. */
export async function forgetLog(
  ports: LogPorts,
  segmentBytes: number,
  identity: Identity,
): Promise<Identity> {
  const { disk, hashing } = ports;
  const rejoin = present(identity.rejoin, "a node that was let in");
  const incarnation = present(fromHex(rejoin.incarnation), "an incarnation");
  const segments = await listIfPresent(disk, folders.log);
  for (const name of segments) await disk.remove(`${folders.log}/${name}`);
  if (segments.length > 0) await disk.syncDirectory(folders.log);
  await forgetStates(disk, hashing);
  const { log } = await openNodeLog(ports, {
    segmentBytes,
    reserveBytes: undefined,
    isAlone: false,
    incarnation,
  });
  assert(log.incarnation === rejoin.incarnation, "the log is the one that the cluster was told of");
  await log.close();
  const entering: Identity = { ...identity, rejoin: { ...rejoin, stage: "entering" } };
  await writeIdentity(disk, entering);
  return entering;
}

/** A node that was let in goes on with that first. */
function isTakenUp(known: RejoinRecord | undefined, { token }: Rejoining): boolean {
  if (known === undefined || known.stage === "asking") return false;
  return known.stage === "forgetting" || known.token === token;
}

/** Asked again with the same token, for the same log: the first answer may have been lost. */
function wishOf(known: RejoinRecord | undefined, { token }: Rejoining): RejoinRecord | undefined {
  return known?.stage === "asking" && known.token === token ? known : undefined;
}

function nothingToRejoin(): StoreError {
  return new StoreError(
    "InvalidRequest",
    "This data directory never belonged to a cluster, so it has nothing to come back with. To join as a new node give --join.",
  );
}

function otherCluster(): StoreError {
  return new StoreError(
    "InvalidToken",
    "The token is of another cluster than this data directory. Make one with `holdfast cluster token` on a node of its own.",
  );
}

function lostVolumes(): StoreError {
  return new StoreError(
    "DataCorrupt",
    "The volumes are missing too, and a node comes back with its volumes or not at all. Mount or restore them; or remove the node from the cluster and join with an empty data directory.",
  );
}
