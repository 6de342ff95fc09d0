import type { GroupState } from "../src/group-state.ts";
import type { StatePosition } from "../src/state-position.ts";

/** A whole snapshot in memory, to be sent as often as a test likes. */
export interface KeptSnapshot {
  readonly position: StatePosition;
  readonly chunks: readonly Uint8Array[];
}

export async function keptSnapshot(state: GroupState): Promise<KeptSnapshot> {
  const { position, body } = await state.snapshot();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { position, chunks };
}

export async function* sent(chunks: Iterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield chunk;
}
