/** The nodes a layout is made for. */

import type { NodeId } from "@holdfast/base";
import { utf8 } from "@holdfast/base";

/** A node as the ring sees it. */
export interface Member {
  readonly id: NodeId;
  /** The failure domain: nodes of one zone may fail together. */
  readonly zone: string;
  /** Share of the data in proportion to the other nodes' weights: whole, 1 to 1000. */
  readonly weight: number;
  /** Gives away what it holds and is given nothing. */
  readonly draining: boolean;
}

export const weightMax: number = 1000;
export const membersMax: number = 1024;
/** UTF-8 bytes of an id, and of a zone's name. */
export const nameBytesMax: number = 64;

/** By code units, never by a locale: every node must put them in the same order. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function sortedMembers(members: readonly Member[]): readonly Member[] {
  return members.toSorted((a, b) => compareText(a.id, b.id));
}

/** Those that may be given slots. */
export function placeableOf(members: readonly Member[]): readonly Member[] {
  return members.filter(({ draining }) => !draining);
}

/** For each of `members`, its index among `others`; -1 for those that are not there. */
export function numbersAmong(members: readonly Member[], others: readonly Member[]): readonly number[] {
  const numbers = new Map(others.map(({ id }, number) => [id, number]));
  return members.map(({ id }) => numbers.get(id) ?? -1);
}

/** What is wrong with these members, sorted by id; undefined if nothing is. */
export function faultOfMembers(members: readonly Member[]): string | undefined {
  if (members.length === 0) return "a layout needs a node";
  if (members.length > membersMax) return `${members.length} nodes; at most ${membersMax}`;
  for (const [index, { id, zone, weight }] of members.entries()) {
    if (!Number.isInteger(weight) || weight < 1 || weight > weightMax)
      return `weight ${weight} of node ${id}: a whole number from 1 to ${weightMax}`;
    if (!isName(id)) return `node id ${JSON.stringify(id)}: 1 to ${nameBytesMax} bytes`;
    if (!isName(zone)) return `zone ${JSON.stringify(zone)} of node ${id}: 1 to ${nameBytesMax} bytes`;
    if (members[index - 1]?.id === id) return `node ${id} is named twice`;
  }
  return undefined;
}

function isName(text: string): boolean {
  return (
    text.length > 0 && text.length <= nameBytesMax && text.isWellFormed() && utf8(text).length <= nameBytesMax
  );
}

/** The zones of these members, in their fixed order. */
export function zonesOf(members: readonly Member[]): readonly string[] {
  return [...new Set(members.map(({ zone }) => zone))].sort(compareText);
}
