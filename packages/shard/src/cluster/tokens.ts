/** One-time tokens by which nodes join. The cluster keeps digests alone: who reads its state cannot join by it. */

import type { Codec, NodeId } from "@holdfast/base";
import { decode, encode, integer, optional, record, versioned } from "@holdfast/base";
import type { EntryScope, Refusal } from "@holdfast/namespace";
import { listPairs, refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { tokenKey, tokensTable } from "./cluster-keys.ts";
import { nodeIdCodec } from "./node-record.ts";

export interface JoinToken {
  /** Cluster time (S16). */
  readonly expiresAtMs: number;
  readonly usedBy: NodeId | undefined;
}

export const joinTokenCodec: Codec<JoinToken> = versioned(
  1,
  record({ expiresAtMs: integer, usedBy: optional(nodeIdCodec) }),
);

/** Of SHA-256. */
const digestBytes = 32;
/** Tokens that may be open or remembered at once: each is an entry that an administrator asked for. */
const tokensMax = 1000;
/** A week: a token lies in a shell's history and in scripts. */
const lifetimeMsMax = 7 * 24 * 60 * 60_000;

export function findToken(state: StateReader, digest: Uint8Array): JoinToken | undefined {
  const stored = state.get(tokenKey(digest));
  return stored === undefined ? undefined : decode(joinTokenCodec, stored);
}

/** Tokens that ran out are forgotten on the way. */
export function issueToken(
  { state, timeMs }: Pick<EntryScope, "state" | "timeMs">,
  digest: Uint8Array,
  lifetimeMs: number,
): Refusal | undefined {
  let count = 0;
  for (const { key, value } of listPairs(state, tokensTable)) {
    if (decode(joinTokenCodec, value).expiresAtMs < timeMs) state.remove(key);
    else count++;
  }
  const isSound = digest.length === digestBytes && lifetimeMs >= 1 && lifetimeMs <= lifetimeMsMax;
  if (!isSound || findToken(state, digest) !== undefined) return refusal("InvalidRequest");
  if (count >= tokensMax) return refusal("Overloaded");
  put(state, digest, { expiresAtMs: timeMs + lifetimeMs, usedBy: undefined });
  return undefined;
}

/** Nobody can join by it any more; idempotent. */
export function revokeToken(state: StateWriter, digest: Uint8Array): undefined {
  state.remove(tokenKey(digest));
}

/** Used up by this node; again by the same one, within its life, is fine. One refusal for all reasons: a guess learns nothing from it. */
export function useToken(
  state: StateWriter,
  digest: Uint8Array,
  node: NodeId,
  timeMs: number,
): Refusal | undefined {
  const token = findToken(state, digest);
  if (token === undefined) return refusal("InvalidToken");
  if (token.expiresAtMs < timeMs) return refusal("InvalidToken");
  if (token.usedBy === node) return undefined;
  if (token.usedBy !== undefined) return refusal("InvalidToken");
  put(state, digest, { ...token, usedBy: node });
  return undefined;
}

export function isUsedBy(state: StateReader, digest: Uint8Array, node: NodeId): boolean {
  return findToken(state, digest)?.usedBy === node;
}

function put(state: StateWriter, digest: Uint8Array, token: JoinToken): void {
  state.put(tokenKey(digest), encode(joinTokenCodec, token));
}
