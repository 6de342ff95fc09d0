/** Bodies on their way: whole or cut short, at once or in pieces with waits between, with a right or a wrong digest. */

import { chance, fromHex, uniform } from "@holdfast/base";
import type { Piece } from "../model/body.ts";
import { pieceBytes } from "../model/body.ts";
import { SenderGone } from "./connection.ts";
import type { Outgoing } from "./store-client.ts";
import type { Worker } from "./worker.ts";

/** What has to come of it. */
export type Fate = "whole" | "short" | "broken" | "mislabelled";

export interface Sending extends Outgoing {
  readonly fate: Fate;
}

export function outgoing(
  worker: Worker,
  piece: Piece,
  etag: string,
  fate: Fate = anyFate(worker, piece),
): Sending {
  const digest = fromHex(etag);
  const told = fate === "mislabelled" || chance(worker.session.random, 0.3);
  const md5 =
    !told || digest === undefined
      ? undefined
      : fate === "mislabelled"
        ? digest.map((byte) => byte ^ 1)
        : digest;
  const chunks = send(worker, piece, fate);
  return { body: { pieces: [piece] }, declaredBytes: piece.bytes, chunks, md5, fate };
}

function anyFate({ session: { random } }: Worker, { bytes }: Piece): Fate {
  if (bytes < 2 || !chance(random, 0.06)) return "whole";
  return (["short", "broken", "mislabelled"] as const)[uniform(random, 3)] ?? "whole";
}

async function* send(worker: Worker, piece: Piece, fate: Fate): AsyncGenerator<Uint8Array, void, undefined> {
  const { session, connection } = worker;
  const end = fate === "whole" || fate === "mislabelled" ? piece.bytes : uniform(session.random, piece.bytes);
  const chunkBytes = chance(session.random, 0.5)
    ? piece.bytes
    : 1 + uniform(session.random, Math.max(piece.bytes, 1));
  const slowly = chance(session.random, 0.3);
  for (let at = 0; at < end; at += chunkBytes) {
    if (slowly) await connection.pause(uniform(session.random, 2000) / 1000);
    yield pieceBytes(piece, at, Math.min(chunkBytes, end - at));
  }
  if (fate === "broken") throw new SenderGone("broken off on purpose");
}
