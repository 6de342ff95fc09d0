/** The files that never change. */

import { pieceBytes } from "../model/body.ts";
import { etagOfPiece } from "../model/etag.ts";
import { noCondition } from "../model/register.ts";
import { violated } from "../model/violation.ts";
import { fixtures } from "./session.ts";
import type { Worker } from "./worker.ts";

export async function writeFixtures({ session, connection }: Worker): Promise<void> {
  for (const [i, name] of fixtures.entries()) {
    const piece = session.nextPiece(i === 0 ? 1000 : session.options.bodyBytesMax);
    const etag = etagOfPiece(session.options.hashing, piece);
    const tag = session.nextTag();
    session.model.registerWrite(tag, { pieces: [piece] }, etag);
    const started = session.model.start(name, `put fixture ${tag}`);
    const chunks = once(pieceBytes(piece));
    const sending = { body: { pieces: [piece] }, declaredBytes: piece.bytes, chunks, md5: undefined };
    const answer = await connection.ask(started.text, () =>
      connection.store.put(name, tag, sending, noCondition),
    );
    if (answer.kind !== "done") violated(`the fixture ${name.key} was not stored: ${answer.kind}`);
    session.model.end(started, { kind: "write", state: tag, condition: noCondition, existed: undefined });
    session.fixtureTags.push(tag);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
