/** `holdfast ring show` draws who holds what; `holdfast ring plan` says what a change would move, and changes nothing. */

import type { LayoutPreview, LayoutProposal } from "@holdfast/client";
import { UsageError } from "../command-line/failure.ts";
import { countText, printable, table } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";

export interface RingFlags {
  readonly ascii?: boolean;
}

export interface RingPlanFlags extends RingFlags {
  /** `ZONE[:WEIGHT]` */
  readonly join?: readonly string[];
  readonly leave?: readonly string[];
  /** `NODE=WEIGHT` */
  readonly weight?: readonly string[];
  readonly redundancy?: readonly string[];
}

export async function ringShow(session: Session, _names: readonly string[], flags: RingFlags): Promise<void> {
  const { output, signal } = session;
  const layout = await (await session.store()).layout({ ...drawing(flags), signal });
  await output.result(layout, printableLines(layout.drawing));
}

export async function ringPlan(
  session: Session,
  _names: readonly string[],
  flags: RingPlanFlags,
): Promise<void> {
  const proposal = proposalFrom(flags);
  const { output, signal } = session;
  const preview = await (await session.store()).previewLayout(proposal, { ...drawing(flags), signal });
  await output.result(preview, planText(preview));
}

/** As wide as the terminal is; a file or a pipe gets 80 columns. */
function drawing({ ascii = false }: RingFlags): { readonly columns: number; readonly ascii: boolean } {
  const columns = process.stdout.isTTY ? process.stdout.columns : 80;
  return { columns: Math.max(60, Math.min(400, columns)), ascii };
}

function planText({ changes, movedCount, leastCount, tables, nodes, after }: LayoutPreview): string {
  if (!changes) return "Nothing would change.";
  const facts = tables.map(({ width, movedCount: moved, movedFraction }) => {
    const part = `${(100 * movedFraction).toFixed(1)} % of what is stored on ${countText(width, "slot")}`;
    return `${countText(moved, "slot")} would move: ${part}`;
  });
  const rows = [
    ["node", "gets", "gives"],
    ...nodes
      .filter(({ inCount, outCount }) => inCount + outCount > 0)
      .map(({ id, inCount, outCount }) => [printable(id), `${inCount}`, `${outCount}`]),
  ];
  const least = `The least possible is ${leastCount}; ${movedCount} come closer to even shares.`;
  const moves = movedCount === 0 ? ["No data would move."] : [...facts, least, "", ...table(rows)];
  return [...moves, "", "Afterwards:", printableLines(after.drawing)].join("\n");
}

/** The server's drawing, without what could steer a terminal. */
function printableLines(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => printable(line))
    .join("\n");
}

function proposalFrom({ join = [], leave = [], weight = [], redundancy }: RingPlanFlags): LayoutProposal {
  return {
    join: join.map(joinFrom),
    leave,
    weights: weight.map(weightFrom),
    widths: redundancy === undefined ? undefined : [...new Set(redundancy.map(widthFrom))],
  };
}

function joinFrom(text: string): { readonly zone: string; readonly weight: number } {
  const [, zone, weight = "1"] = /^([^:]+?)(?::(\d{1,4}))?$/.exec(text) ?? [];
  if (zone !== undefined) return { zone, weight: Number(weight) };
  throw new UsageError(`--join takes ZONE or ZONE:WEIGHT, such as rack-2:3, not ${text}`);
}

function weightFrom(text: string): { readonly node: string; readonly weight: number } {
  const [, node, weight] = /^([^=]+)=(\d{1,4})$/.exec(text) ?? [];
  if (node !== undefined) return { node, weight: Number(weight) };
  throw new UsageError(`--weight takes NODE=WEIGHT, such as 0123456789abcdef=2, not ${text}`);
}

/** How many slots a partition has for this redundancy. */
function widthFrom(text: string): number {
  const [, replicas] = /^replicas:(\d{1,2})$/.exec(text) ?? [];
  if (replicas !== undefined) return Number(replicas);
  const [, data, parity] = /^erasure:(\d{1,2})\+(\d{1,2})$/.exec(text) ?? [];
  if (data !== undefined) return Number(data) + Number(parity);
  throw new UsageError(`--redundancy is replicas:N or erasure:K+M, such as replicas:3, not ${text}`);
}
