/**
 * A layout's bytes. Indexes of nodes take one byte each up to 256 members, else two; joint partitions stand apart with their
 * old slots, so that a change that touches few adds few bytes. What is read is bounded by the bytes that are there: no
 * count is believed before its bytes were seen. With 2^16 partitions and 100 nodes a table of width 3 takes 192 KiB.
 */

import type { ByteReader, ByteWriter, Codec, Epoch, NodeId } from "@holdfast/base";
import { boolean, branded, DecodeError, integer, limits, record, text, versioned } from "@holdfast/base";
import type { Layout, PartitionTable } from "./layout.ts";
import { faultOfLayout, jointPartitions, shardCountOf, tableOf, tablesMax, widthMax } from "./layout.ts";
import type { Member } from "./member.ts";
import { membersMax } from "./member.ts";
import { partitionBitsMax } from "./partition.ts";

const epochCodec = branded<Epoch>();
const memberCodec: Codec<Member> = record({
  id: text as Codec<string> as Codec<NodeId>,
  zone: text,
  weight: integer,
  draining: boolean,
});

/** Throws DecodeError for bytes that are no layout, its invariants included. */
export const layoutCodec: Codec<Layout> = versioned(1, { write: writeLayout, read: readLayout });

function writeLayout(writer: ByteWriter, layout: Layout): void {
  const { epoch, partitionBits, members, tables, voters } = layout;
  epochCodec.write(writer, epoch);
  writer.u8(partitionBits);
  writer.varint(members.length);
  for (const member of members) memberCodec.write(writer, member);
  writer.varint(tables.length);
  for (const table of tables) writeTable(writer, table, members.length);
  writer.varint(shardCountOf(layout));
  writer.u8(voters.width);
  writeSlots(writer, voters.slots, members.length);
}

function writeTable(writer: ByteWriter, table: PartitionTable, memberCount: number): void {
  const { width, slots, oldSlots } = table;
  writer.u8(width);
  writeSlots(writer, slots, memberCount);
  const joint = jointPartitions(table);
  writer.varint(joint.length);
  for (const partition of joint) {
    writer.varint(partition);
    writeSlots(writer, oldSlots.subarray(partition * width, (partition + 1) * width), memberCount);
  }
}

function writeSlots(writer: ByteWriter, slots: Uint16Array, memberCount: number): void {
  for (const node of slots) {
    if (memberCount > 256) writer.u8(node >>> 8);
    writer.u8(node & 0xff);
  }
}

function readLayout(reader: ByteReader): Layout {
  const epoch = epochCodec.read(reader);
  const partitionBits = readUpTo(reader, partitionBitsMax, "partition bits");
  const memberCount = readUpTo(reader, membersMax, "members");
  const members = Array.from({ length: memberCount }, () => memberCodec.read(reader));
  const tableCount = readUpTo(reader, tablesMax, "tables");
  const tables = Array.from({ length: tableCount }, () => readTable(reader, 2 ** partitionBits, memberCount));
  const shardCount = readUpTo(reader, limits.shardsMax, "shards");
  const width = readWidth(reader);
  const voters = { width, slots: readSlots(reader, shardCount * width, memberCount) };
  const layout = { epoch, partitionBits, members, tables, voters };
  const fault = faultOfLayout(layout);
  if (fault !== undefined) throw new DecodeError(`not a layout: ${fault}`);
  return layout;
}

function readTable(reader: ByteReader, partitionCount: number, memberCount: number): PartitionTable {
  const width = readWidth(reader);
  const slots = readSlots(reader, partitionCount * width, memberCount);
  const jointCount = readUpTo(reader, partitionCount, "joint partitions");
  if (jointCount === 0) return { width, slots, oldSlots: slots };
  const oldSlots = slots.slice();
  let above = -1;
  for (let i = 0; i < jointCount; i++) {
    const partition = readUpTo(reader, partitionCount - 1, "joint partition");
    if (partition <= above) throw new DecodeError("joint partitions are not in order");
    above = partition;
    const old = readSlots(reader, width, memberCount);
    if (old.every((node, slot) => slots[partition * width + slot] === node))
      throw new DecodeError("a joint partition whose slots do not differ");
    oldSlots.set(old, partition * width);
  }
  return tableOf(width, slots, oldSlots);
}

function readSlots(reader: ByteReader, count: number, memberCount: number): Uint16Array {
  const bytesEach = memberCount > 256 ? 2 : 1;
  const bytes = reader.raw(count * bytesEach);
  return Uint16Array.from({ length: count }, (_, i) =>
    bytesEach === 1 ? (bytes[i] ?? 0) : ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
}

function readWidth(reader: ByteReader): number {
  const width = readUpTo(reader, widthMax, "width");
  if (width === 0) throw new DecodeError("width 0");
  return width;
}

function readUpTo(reader: ByteReader, max: number, what: string): number {
  const value = reader.varint();
  if (value > max) throw new DecodeError(`${what}: ${value}, at most ${max}`);
  return value;
}
