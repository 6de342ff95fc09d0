/** A node as the system group knows it. */

import type { Codec, NodeId } from "@holdfast/base";
import { boolean, integer, nodeId, record, text, versioned } from "@holdfast/base";

/** Where others reach a node: `host:port` of each listener. */
export interface NodeAddresses {
  /** Node to node. */
  readonly rpc: string;
  readonly http: string;
  readonly s3: string;
}

/**
 * One life of a node's data (S11): whoever lost its log or its volumes is another place under the same id, and may not act as
 * the one it was.
 */
export interface NodeLife {
  /** `WriteAheadLog.incarnation`. */
  readonly logIncarnation: string;
  /** Hexadecimal; of the block store. */
  readonly volumeIncarnation: string;
}

export interface NodeRecord extends NodeLife {
  readonly id: NodeId;
  /** The failure domain. */
  readonly zone: string;
  /** Share of the data, in proportion to the other nodes'. */
  readonly weight: number;
  /** Gives away what it holds and is given nothing. */
  readonly draining: boolean;
  readonly addresses: NodeAddresses;
  /** Cluster time. */
  readonly joinedAtMs: number;
}

/** A node as it presents itself. */
export type NewNode = Omit<NodeRecord, "draining" | "joinedAtMs">;

export const nodeIdCodec: Codec<NodeId> = {
  write: (writer, value) => text.write(writer, value),
  read: (reader) => nodeId(text.read(reader)),
};

export const nodeAddressesCodec: Codec<NodeAddresses> = record({ rpc: text, http: text, s3: text });

export const nodeLifeCodec: Codec<NodeLife> = record({ logIncarnation: text, volumeIncarnation: text });

const newNodeFields = {
  id: nodeIdCodec,
  zone: text,
  weight: integer,
  addresses: nodeAddressesCodec,
  logIncarnation: text,
  volumeIncarnation: text,
};

export const newNodeCodec: Codec<NewNode> = record(newNodeFields);

export const nodeRecordCodec: Codec<NodeRecord> = versioned(
  1,
  record({ ...newNodeFields, draining: boolean, joinedAtMs: integer }),
);

/** Bytes of a zone's name, an address, an incarnation. */
const textBytesMax = 255;
const weightMax = 1000;

/** Ids are drawn by nodes, and everything else is typed by people: what no honest node would send is refused. */
export function isPlausibleNode({
  id,
  zone,
  weight,
  addresses,
  logIncarnation,
  volumeIncarnation,
}: NewNode): boolean {
  const texts = [zone, addresses.rpc, addresses.http, addresses.s3, logIncarnation, volumeIncarnation];
  return (
    /^[0-9a-f]{16}$/.test(id) &&
    Number.isSafeInteger(weight) &&
    weight >= 1 &&
    weight <= weightMax &&
    texts.every((each) => each.length > 0 && each.length <= textBytesMax)
  );
}
