/** `holdfast cluster drain`, `undrain`, `set`, `remove`: nodes that change and go. A node is named by its id, or by how that begins. */

import type { Cluster, ClusterNode, NodeChange } from "@holdfast/client";
import { Failure, UsageError } from "../command-line/failure.ts";
import { countText, printable } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";
import { parseCount } from "../command-line/size.ts";

export interface SetFlags {
  readonly zone?: string;
  readonly weight?: string;
}

export async function drainNode(session: Session, [name = ""]: readonly string[]): Promise<void> {
  const { id, slots, shardReplicas } = await change(session, name, { draining: true }, "drains");
  note(
    session,
    `it gives away ${countText(slots, "slot")} and ${countText(shardReplicas, "shard replica")}; \`holdfast cluster status\` shows how far it is`,
    `when it holds nothing any more: holdfast cluster remove ${id}`,
  );
}

export async function undrainNode(session: Session, [name = ""]: readonly string[]): Promise<void> {
  await change(session, name, { draining: false }, "stays");
}

export async function setNode(
  session: Session,
  [name = ""]: readonly string[],
  flags: SetFlags,
): Promise<void> {
  const { zone } = flags;
  const weight = flags.weight === undefined ? undefined : parseCount(flags.weight, "--weight", 1, 1000);
  if (zone === undefined && weight === undefined)
    throw new UsageError("say what is to change: --zone NAME, --weight NUMBER, or both");
  await change(session, name, { zone, weight }, "changed");
  note(session, "data move to fit, if they have to; `holdfast cluster status` shows how far that is");
}

export async function removeNode(session: Session, [name = ""]: readonly string[]): Promise<void> {
  const { output, signal } = session;
  const store = await session.store();
  const { id } = nodeNamed(await store.cluster({ signal }), name);
  const removed = await store.removeNode(id, { signal });
  await output.result({ kind: "removed", id, ...removed }, `node ${id} removed`);
  note(session, "stop its process, if it still runs; its data directory is of no use any more");
}

/** The node as it was before. */
async function change(
  session: Session,
  name: string,
  wanted: NodeChange,
  done: string,
): Promise<ClusterNode> {
  const { output, signal } = session;
  const store = await session.store();
  const before = nodeNamed(await store.cluster({ signal }), name);
  const changed = await store.changeNode(before.id, wanted, { signal });
  const { id, zone, weight } = changed;
  await output.result(
    { kind: "node", ...changed },
    printable(`node ${id} ${done} (zone ${zone}, weight ${weight})`),
  );
  return before;
}

/** By its id, or by the beginning of it that no other has. */
export function nodeNamed({ nodes }: Cluster, name: string): ClusterNode {
  const found = name === "" ? [] : nodes.filter(({ id }) => id.startsWith(name));
  const [node, ...others] = found;
  if (node !== undefined && others.length === 0) return node;
  if (node !== undefined) {
    const ids = found.map(({ id }) => id).join(", ");
    throw new Failure(`several nodes begin with ${name}: ${ids}`, {
      code: "AmbiguousNode",
      next: "write more of its id",
    });
  }
  throw new Failure(`the cluster has no node ${name}`, {
    code: "NodeNotFound",
    next: "list the nodes with `holdfast cluster status`",
  });
}

function note({ output }: Session, ...lines: readonly string[]): void {
  if (!output.json) for (const line of lines) output.note(line);
}
