/** The blocks of a node in its cluster: its own slots, served to others, and the way to the slots of others. */

import type { ContentId, NodeId, Random } from "@holdfast/base";
import { epoch } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Clock, Disk, Hashing, Journal, KeyValue, Metrics, Network } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import type { LayoutPlacement } from "../cluster/layout-placement.ts";
import { folders } from "../identity.ts";
import { BlockServer } from "./block-server.ts";
import { Completer } from "./completer.ts";
import { IncompleteBlocks } from "./incomplete-blocks.ts";
import { LocalBlocks } from "./local-blocks.ts";
import { NodeTrust } from "./node-trust.ts";
import { RemoteBlocks } from "./remote-blocks.ts";
import { ReplicatedBlocks } from "./replicated-blocks.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import { ServedEpoch } from "./served-epoch.ts";
import { Slots } from "./slots.ts";

export interface NodeBlocksPorts {
  readonly self: NodeId;
  /** Not listened to yet. */
  readonly network: Network;
  readonly disk: Disk;
  readonly store: BlockStore;
  /** Of the list of incomplete blocks; its owner closes it. */
  readonly list: KeyValue;
  readonly placement: LayoutPlacement;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly limits: ReplicationLimits;
  /** Whether the disk has so much room, or can be given it. */
  readonly hasRoom: (bytes: number) => Promise<boolean>;
}

export interface NodeBlocks {
  readonly store: BlockStore;
  readonly placement: LayoutPlacement;
  readonly blocks: ReplicatedBlocks;
  readonly slots: Slots;
  readonly trust: NodeTrust;
  readonly incomplete: IncompleteBlocks;
  readonly limits: ReplicationLimits;
  /** Not started. `mayExist`: see CompleterParts. */
  completer(mayExist: (content: ContentId) => Promise<boolean>): Completer;
}

/** Before the first layout nothing was promised. */
const noEpoch = epoch(0);
const completerOptions = { intervalMs: 1000, bytesPerSecondMax: 64 * 1024 * 1024 };

export async function openNodeBlocks(ports: NodeBlocksPorts): Promise<NodeBlocks> {
  const { self, network, disk, store, list, placement, clock, random, hashing, journal, metrics, limits } =
    ports;
  await disk.makeFolder(folders.placement);
  const served = await ServedEpoch.open({ disk, hashing, folder: folders.placement }, noEpoch);
  const incomplete = await IncompleteBlocks.open(list, clock, ports.hasRoom);
  const local = new LocalBlocks(store, served);
  const server = new BlockServer(local, { clock, hashing, journal }, limits);
  network.listen({
    onFrame: () => undefined,
    onDisconnect: () => undefined,
    onExchange: (from, request, signal) =>
      from === self
        ? Promise.reject(new NetworkError("refused", "a node does not ask itself"))
        : server.onExchange(request, signal),
  });
  const trust = new NodeTrust(clock, limits);
  const remote = new RemoteBlocks({ network, clock, hashing, frames: store.frames });
  const slots = new Slots(self, local, remote, trust);
  const shared = { placement, slots, trust, incomplete, clock, random, journal, metrics, limits };
  const blocks = new ReplicatedBlocks(shared);
  const completer = (mayExist: (content: ContentId) => Promise<boolean>): Completer =>
    new Completer({ ...shared, mayExist }, completerOptions);
  return { store, placement, blocks, slots, trust, incomplete, limits, completer };
}
