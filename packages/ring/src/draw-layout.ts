/** A layout as text, to be looked at in a terminal. */

import type { NodeDescription, TableDescription } from "./describe-layout.ts";
import { describeLayout } from "./describe-layout.ts";
import type { Layout, PartitionTable } from "./layout.ts";
import { isJoint, jointPartitions } from "./layout.ts";
import { partitionId } from "./partition.ts";

export interface DrawOptions {
  /** Width of the terminal; 80 unless said, at least 60. */
  readonly columns?: number;
  /** Nothing beyond ASCII. */
  readonly ascii?: boolean;
}

interface Pen {
  readonly columns: number;
  /** A full cell, and the parts of a cell in rising order. */
  readonly full: string;
  readonly parts: readonly string[];
  /** What a node is still being given. */
  readonly arriving: string;
  /** What it lacks of its share. */
  readonly lacking: string;
  readonly dot: string;
  /** None, some, more, all partitions joint. */
  readonly shades: readonly string[];
}

const asciiPen = { full: "#", parts: [], arriving: "+", lacking: ".", dot: "-", shades: Array.from(" .:*#") };
const blockPen = {
  full: "█",
  parts: Array.from("▏▎▍▌▋▊▉"),
  arriving: "▒",
  lacking: "░",
  dot: "·",
  shades: Array.from(" ░▒▓█"),
};
const letters = Array.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

/** Lines of at most so many columns: for each table, a bar for each node and a strip of the ring for each slot. */
export function drawLayout(layout: Layout, { columns = 80, ascii = false }: DrawOptions = {}): string {
  const pen = { columns: Math.max(60, columns), ...(ascii ? asciiPen : blockPen) };
  const { epoch, partitionCount, nodeCount, zoneCount, tables } = describeLayout(layout);
  const head = [
    `layout ${epoch}`,
    counted(partitionCount, "partition"),
    `${counted(nodeCount, "node")} in ${counted(zoneCount, "zone")}`,
  ].join(`  ${pen.dot}  `);
  const drawings = layout.tables.flatMap((table, i) => {
    const description = tables[i];
    return description === undefined ? [] : ["", ...drawTable(table, description, pen)];
  });
  return `${[head, ...drawings].join("\n")}\n`;
}

function drawTable(table: PartitionTable, description: TableDescription, pen: Pen): readonly string[] {
  const { width, jointCount, maxOverShare, zonesPerPartitionMin, zoneRuleBrokenCount, zones } = description;
  const facts = [
    counted(width, "slot"),
    `fullest ${percent(maxOverShare - 1, true)}`,
    `zones ${zonesPerPartitionMin} of ${zones.length}`,
    jointCount > 0 ? `${jointCount} joint` : "stable",
    ...(zoneRuleBrokenCount > 0 ? [`${zoneRuleBrokenCount} break the zone rule`] : []),
  ];
  return [
    facts.join(`  ${pen.dot}  `),
    "",
    ...drawNodes(table, description, pen),
    "",
    ...drawRing(table, pen),
  ].map((line) => clipped(line, pen.columns));
}

function drawNodes(table: PartitionTable, { nodes, zones }: TableDescription, pen: Pen): readonly string[] {
  const scale = Math.max(...nodes.map(({ slotCount, wantedSlots }) => Math.max(slotCount, wantedSlots)));
  const idColumns = Math.min(16, Math.max(...nodes.map(({ id }) => id.length)));
  return zones.flatMap(({ zone }) => [
    `  zone ${zone}`,
    ...[...nodes.entries()]
      .filter(([, node]) => node.zone === zone)
      .map(([member, node]) => {
        const bar = drawBar(node, arrivingCount(table, member), scale, pen, pen.columns - idColumns - 36);
        const deviation = node.draining ? "draining" : percent(node.deviation, true).padStart(8);
        const name = `${letterOf(member, pen)} ${node.id.slice(0, idColumns).padEnd(idColumns)}`;
        return `  ${name}  ${bar}  ${`${node.slotCount}`.padStart(7)}  ${percent(node.share).padStart(7)}  ${deviation}`;
      }),
  ]);
}

/** What is complete, what is still arriving, and what is lacking of the share, one behind the other. */
function drawBar(node: NodeDescription, arriving: number, scale: number, pen: Pen, cells: number): string {
  const cellsFor = (slots: number): number => (slots * cells) / scale;
  const steps = pen.parts.length + 1;
  const held = Math.round(cellsFor(node.slotCount - arriving) * steps);
  let bar = pen.full.repeat(Math.floor(held / steps)) + (pen.parts[(held % steps) - 1] ?? "");
  const extended = (slots: number, by: string): string =>
    bar + by.repeat(Math.max(0, Math.round(cellsFor(slots)) - bar.length));
  if (arriving > 0) bar = extended(node.slotCount, pen.arriving);
  if (node.wantedSlots > node.slotCount) bar = extended(node.wantedSlots, pen.lacking);
  return bar.padEnd(cells);
}

/** Slots that are new to this node. */
function arrivingCount({ slots, oldSlots }: PartitionTable, member: number): number {
  if (slots === oldSlots) return 0;
  let count = 0;
  for (let i = 0; i < slots.length; i++) if (slots[i] === member && oldSlots[i] !== member) count++;
  return count;
}

/** Once around the ring: a line for each slot with its node's letter every so often; below, how much of each stretch is joint. */
function drawRing(table: PartitionTable, pen: Pen): readonly string[] {
  const { width, slots } = table;
  const partitionCount = slots.length / width;
  const cells = Math.min(partitionCount, pen.columns - 12);
  const partitions = Array.from({ length: cells }, (_, cell) => Math.floor((cell * partitionCount) / cells));
  const lines = Array.from({ length: width }, (_, slot) => {
    const owners = partitions.map((partition) => letterOf(slots[partition * width + slot] ?? 0, pen));
    return `  slot ${`${slot}`.padEnd(3)} ${owners.join("")}`;
  });
  if (jointPartitions(table).length === 0) return lines;
  const shades = partitions.map((partition, cell) => {
    const end = partitions[cell + 1] ?? partitionCount;
    let jointCount = 0;
    for (let i = partition; i < end; i++) if (isJoint(table, partitionId(i))) jointCount++;
    return pen.shades[Math.ceil((jointCount * (pen.shades.length - 1)) / (end - partition))] ?? "";
  });
  return [...lines, `  joint    ${shades.join("")}`.trimEnd()];
}

function letterOf(member: number, pen: Pen): string {
  return letters[member] ?? pen.dot;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function percent(fraction: number, isSigned: boolean = false): string {
  const text = `${(100 * fraction).toFixed(1)} %`;
  return isSigned && !text.startsWith("-") ? `+${text}` : text;
}

function clipped(line: string, columns: number): string {
  return Array.from(line).slice(0, columns).join("");
}
