/** Multipart uploads: begun, fed, listed, completed, completed again, aborted; some go on after a crash. */

import { chance, limits, uniform } from "@holdfast/base";
import { etagOfPiece, etagOfUpload } from "../model/etag.ts";
import type { Condition } from "../model/register.ts";
import { noCondition } from "../model/register.ts";
import type { Name } from "../model/store-model.ts";
import { show } from "../model/store-model.ts";
import type { Upload } from "../model/upload-model.ts";
import { violated } from "../model/violation.ts";
import type { AnswerKind } from "./connection.ts";
import { begin, checkFate, checkStored, concludeWrite, finish } from "./file-writes.ts";
import { outgoing } from "./outgoing.ts";
import type { Session } from "./session.ts";
import type { Worker } from "./worker.ts";

const openMax = 6;

export async function uploadOperation(worker: Worker): Promise<void> {
  const { session } = worker;
  const idle = session.uploads.all.filter(
    (one) => one.status === "open" && !one.taken && mayGoOn(session, one),
  );
  const upload = idle[uniform(session.random, Math.max(1, idle.length))];
  const begins = upload === undefined || (idle.length < openMax && chance(session.random, 0.4));
  const chosen = begins ? await createUpload(worker) : upload;
  if (chosen === undefined) return;
  chosen.taken = true;
  try {
    await workOn(worker, chosen);
  } finally {
    chosen.taken = false;
  }
}

/** A part of which nobody knows may arrive later still: then nobody touches the upload until that is known. */
function mayGoOn(session: Session, upload: Upload): boolean {
  return upload.isCertain || !session.unknownMayComeLater;
}

export async function createUpload(
  worker: Worker,
  name: Name = worker.session.anyName(),
): Promise<Upload | undefined> {
  const { session, connection } = worker;
  const tag = session.nextTag();
  const started = begin(worker, name, `create upload ${tag}`);
  const answer = await connection.ask(started.text, () => connection.store.createUpload(name, tag));
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  if (answer.kind === "refused") violated(`${show(name)}: ${started.text}: ${answer.error.message}`);
  if (answer.kind === "unknown") session.uploads.maybeCreated(name);
  if (answer.kind !== "done") return undefined;
  const upload = session.uploads.created(name, answer.value, tag);
  upload.taken = true; // At once: another client may look for one to go on with before this one goes on.
  return upload;
}

async function workOn(worker: Worker, upload: Upload): Promise<void> {
  const { random, options } = worker.session;
  const manyParts = upload.partNumbers.length === 0 && uniform(random, 1000) < options.manyPartsPerMille;
  if (manyParts) {
    await putPart(worker, upload, 1, limits.partBytesMin);
    await putPart(worker, upload, 7, limits.partBytesMin + uniform(random, 1000));
    await putPart(worker, upload, 9, worker.session.anyBytes());
  } else if (upload.partNumbers.length === 0 || chance(random, 0.3)) {
    await putPart(worker, upload, upload.partNumbers.at(-1) ?? 3, worker.session.anyBytes());
    if (chance(random, 0.1)) await putPart(worker, upload, 1 + uniform(random, 4), worker.session.anyBytes());
  }
  if (worker.connection.isDead || !mayGoOn(worker.session, upload)) return;
  if (!upload.isCertain || chance(random, 0.2)) await listParts(worker, upload);
  if (worker.connection.isDead || !upload.isCertain || upload.partNumbers.length === 0) return;
  if (chance(random, 0.15)) await abortUpload(worker, upload);
  else if (chance(random, 0.7)) {
    await completeUpload(worker, upload);
    if (upload.status === "completed" && chance(random, 0.3)) await completeAgain(worker, upload);
  }
}

export async function putPart(worker: Worker, upload: Upload, part: number, bytes: number): Promise<void> {
  const { session, connection } = worker;
  const piece = session.nextPiece(bytes);
  const etag = etagOfPiece(session.options.hashing, piece);
  const sending = outgoing(worker, piece, etag);
  const { name, uploadId } = upload;
  const started = begin(
    worker,
    name,
    `part ${part} of ${upload.tag} (piece ${piece.id}, ${bytes} bytes, ${sending.fate})`,
  );
  const answer = await connection.ask(started.text, () =>
    connection.store.putPart(name, uploadId, part, sending),
  );
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  checkFate(started, sending.fate, answer);
  if (answer.kind === "done") {
    if (answer.value.etag !== etag)
      violated(`${upload.text}: part ${part} answered ${answer.value.etag}, not ${etag}`);
    upload.stored(part, { etag, piece });
  }
  if (answer.kind === "unknown") upload.maybeStored(part, { etag, piece });
  if (answer.kind === "refused" && sending.fate === "whole")
    violated(`${upload.text}: ${started.text}: ${answer.error.message}`);
}

export async function listParts(worker: Worker, upload: Upload): Promise<boolean> {
  const { connection } = worker;
  const { name, uploadId } = upload;
  const started = begin(worker, name, `list parts of ${upload.tag}`);
  const answer = await connection.ask(started.text, () => connection.store.listParts(name, uploadId));
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  if (answer.kind === "refused") violated(`${upload.text}: list parts: ${answer.error.message}`);
  if (answer.kind === "done") upload.observe(answer.value);
  return answer.kind === "done";
}

export async function completeUpload(
  worker: Worker,
  upload: Upload,
  condition: Condition = chance(worker.session.random, 0.15) ? { ifNoneMatchAny: true } : noCondition,
): Promise<AnswerKind> {
  const { session, connection } = worker;
  const { name, uploadId, tag } = upload;
  // All parts, or some of them: those that are not listed die.
  const numbers = chance(session.random, 0.8) ? upload.partNumbers : upload.partNumbers.slice(-1);
  const body = { pieces: numbers.map((number) => upload.part(number).piece) };
  const parts = numbers.map((part) => ({ part, etag: upload.part(part).etag }));
  const etag = etagOfUpload(session.options.hashing, body);
  const started = begin(
    worker,
    name,
    `complete ${tag} (parts ${numbers.join(", ")})${condition === noCondition ? "" : " if-none-match *"}`,
  );
  if (session.model.etagOf(tag) === undefined) session.model.registerWrite(tag, body, etag);
  else session.model.registerAgain(tag, body, etag);
  const answer = await connection.ask(started.text, () =>
    connection.store.completeUpload(name, uploadId, parts, condition),
  );
  if (answer.kind === "refused" && answer.code === "PartTooSmall") {
    if (numbers.slice(0, -1).every((number) => upload.part(number).piece.bytes >= limits.partBytesMin))
      violated(`${upload.text}: refused as PartTooSmall`);
    finish(worker, started, answer.code);
    return answer.kind;
  }
  if (answer.kind === "done") checkStored(session, started, tag, answer.value);
  const uncertain = concludeWrite(worker, started, { state: tag, condition, existed: undefined }, answer);
  upload.completion = { parts, etag };
  if (answer.kind === "done") upload.status = "completed";
  if (answer.kind === "unknown") {
    upload.status = "uncertain";
    upload.pending = uncertain;
  }
  return answer.kind;
}

/** Several complete one upload at once, none of whom heard of the others: all are told the same, and it counts once (S20). */
export async function completeTogether(
  session: Session,
  upload: Upload,
  each: (complete: (worker: Worker) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { model, options } = session;
  const { name, uploadId, tag, partNumbers } = upload;
  const body = { pieces: partNumbers.map((number) => upload.part(number).piece) };
  const parts = partNumbers.map((part) => ({ part, etag: upload.part(part).etag }));
  const etag = etagOfUpload(options.hashing, body);
  if (model.etagOf(tag) === undefined) model.registerWrite(tag, body, etag);
  else model.registerAgain(tag, body, etag);
  upload.completion = { parts, etag };
  const effect = { kind: "write", state: tag, condition: noCondition, existed: undefined } as const;
  const counted = model.start(name, `complete ${tag} by several`);
  let [isDone, mayBeDone] = [false, false];
  await each(async (worker) => {
    const { connection } = worker;
    const started = begin(worker, name, `complete ${tag} as others do`);
    const answer = await connection.ask(started.text, () =>
      connection.store.completeUpload(name, uploadId, parts, noCondition),
    );
    finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
    if (answer.kind === "refused") violated(`${upload.text}: ${started.text}: ${answer.error.message}`);
    if (answer.kind === "unknown") mayBeDone = true;
    if (answer.kind !== "done") return;
    checkStored(session, started, tag, answer.value);
    if (!isDone) model.end(counted, effect);
    isDone = true;
  });
  if (isDone) upload.status = "completed";
  else if (mayBeDone) {
    upload.status = "uncertain";
    upload.pending = model.end(counted, effect, true);
  }
}

/** S20: a Complete that is sent again gets the first answer and changes nothing. */
export async function completeAgain(worker: Worker, upload: Upload): Promise<void> {
  const { connection } = worker;
  const { name, uploadId, completion } = upload;
  if (completion === undefined) return;
  const started = begin(worker, name, `complete ${upload.tag} again`);
  const answer = await connection.ask(started.text, () =>
    connection.store.completeUpload(name, uploadId, completion.parts, noCondition),
  );
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  if (answer.kind === "refused")
    violated(`${upload.text}: completed, but sent again it is refused: ${answer.error.message}`);
  if (answer.kind === "done" && answer.value.etag !== completion.etag)
    violated(`${upload.text}: completed with ${completion.etag}, sent again it answers ${answer.value.etag}`);
}

export async function abortUpload(worker: Worker, upload: Upload): Promise<void> {
  const { connection } = worker;
  const { name, uploadId } = upload;
  const started = begin(worker, name, `abort ${upload.tag}`);
  const answer = await connection.ask(started.text, () => connection.store.abortUpload(name, uploadId));
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  if (answer.kind === "refused") violated(`${upload.text}: abort: ${answer.error.message}`);
  if (answer.kind === "done") upload.status = "aborted";
  if (answer.kind === "unknown") upload.status = "uncertain";
}
