/** Puts, deletes and copies, with and without conditions, and what their answers mean to the model. */

import { chance, uniform } from "@holdfast/base";
import { etagOfPiece } from "../model/etag.ts";
import type { Condition, Effect, RegisterState } from "../model/register.ts";
import { noCondition } from "../model/register.ts";
import type { Name, Started, Uncertain } from "../model/store-model.ts";
import { show } from "../model/store-model.ts";
import { violated } from "../model/violation.ts";
import type { Answer, AnswerKind } from "./connection.ts";
import type { Fate } from "./outgoing.ts";
import { outgoing } from "./outgoing.ts";
import type { Session } from "./session.ts";
import { fixtures } from "./session.ts";
import type { Stored } from "./store-client.ts";
import type { Worker } from "./worker.ts";

export async function putFile(worker: Worker, name: Name = worker.session.anyName()): Promise<void> {
  const { session } = worker;
  await put(worker, {
    name,
    bytes: session.anyBytes(),
    condition: anyCondition(session, name),
    fate: undefined,
  });
}

interface Put {
  readonly name: Name;
  readonly bytes: number;
  readonly condition: Condition;
  /** Any, unless given. */
  readonly fate: Fate | undefined;
}

export async function put(worker: Worker, { name, bytes, condition, fate }: Put): Promise<AnswerKind> {
  const { session, connection } = worker;
  const piece = session.nextPiece(bytes);
  const etag = etagOfPiece(session.options.hashing, piece);
  const tag = session.nextTag();
  const sending = outgoing(worker, piece, etag, fate);
  const text = `put ${tag} (${piece.bytes} bytes${sending.fate === "whole" ? "" : `, ${sending.fate}`})${showCondition(condition)}`;
  const started = begin(worker, name, text);
  session.model.registerWrite(tag, { pieces: [piece] }, etag);
  const answer = await connection.ask(started.text, () =>
    connection.store.put(name, tag, sending, condition),
  );
  checkFate(started, sending.fate, answer);
  if (answer.kind === "done") checkStored(session, started, tag, answer.value);
  concludeWrite(worker, started, { state: tag, condition, existed: undefined }, answer);
  return answer.kind;
}

export async function deleteFile(worker: Worker, name: Name = worker.session.anyName()): Promise<void> {
  const { session } = worker;
  await remove(worker, name, chance(session.random, 0.2) ? anyMatch(session, name) : noCondition);
}

export async function remove(worker: Worker, name: Name, condition: Condition): Promise<AnswerKind> {
  const { connection } = worker;
  const started = begin(worker, name, `delete${showCondition(condition)}`);
  const answer = await connection.ask(started.text, () => connection.store.delete(name, condition));
  const existed = answer.kind === "done" ? answer.value.existed : undefined;
  concludeWrite(worker, started, { state: undefined, condition, existed }, answer);
  return answer.kind;
}

export async function copyFile(worker: Worker): Promise<void> {
  const { session } = worker;
  const name = session.anyName();
  const source = session.anyName();
  if (chance(session.random, 0.2) || show(source) === show(name)) await copyFixture(worker, name);
  else await copyRetagged(worker, source, name, anyAbsence(session));
}

function anyAbsence({ random }: Session): Condition {
  return chance(random, 0.2) ? { ifNoneMatchAny: true } : noCondition;
}

/** A copy that takes over the metadata of a file that never changes. */
async function copyFixture(worker: Worker, name: Name): Promise<void> {
  const { session, connection } = worker;
  const which = uniform(session.random, fixtures.length);
  const [source, tag] = [fixtures[which], session.fixtureTags[which]];
  if (source === undefined || tag === undefined) return;
  const started = begin(worker, name, `copy of ${show(source)} (${tag})`);
  const answer = await connection.ask(started.text, () =>
    connection.store.copy(source, name, undefined, noCondition),
  );
  if (answer.kind === "done") checkStored(session, started, tag, answer.value);
  concludeWrite(worker, started, { state: tag, condition: noCondition, existed: undefined }, answer);
}

/** A copy with metadata of its own; "hindered" without a source. */
export async function copyRetagged(
  worker: Worker,
  source: Name,
  name: Name,
  condition: Condition,
): Promise<AnswerKind> {
  const { session, connection } = worker;
  const tag = session.nextTag();
  const started = begin(worker, name, `copy ${tag} of ${show(source)}${showCondition(condition)}`);
  session.model.registerCopy(tag, source, started.start);
  const answer = await connection.ask(started.text, () =>
    connection.store.copy(source, name, tag, condition),
  );
  if (answer.kind === "refused" && answer.code === "FileNotFound" && condition.ifMatch === undefined) {
    // There is no condition on the destination that says so: it is the source that was not there.
    session.model.end(
      { ...started, name: source, text: `${started.text}: no source` },
      { kind: "read", state: undefined },
    );
    finish(worker, started, "no source");
    return "hindered";
  }
  if (answer.kind === "done") session.model.copied(tag, started, answer.value.etag, answer.value.bytes);
  concludeWrite(worker, started, { state: tag, condition, existed: undefined }, answer);
  return answer.kind;
}

export function begin(worker: Worker, name: Name, what: string): Started {
  const text = `client ${worker.number}: ${what}`;
  worker.session.trace(`${show(name)}: ${text} ...`);
  return worker.session.model.start(name, text);
}

export function finish(worker: Worker, started: Started, how: string): void {
  worker.session.trace(`${show(started.name)}: ${started.text}: ${how}`);
}

interface IntendedWrite {
  readonly state: RegisterState;
  readonly condition: Condition;
  readonly existed: boolean | undefined;
}

/** Tells the model how a write ended; gives the handle of one whose outcome is unknown. */
export function concludeWrite<T>(
  worker: Worker,
  started: Started,
  intended: IntendedWrite,
  answer: Answer<T>,
): Uncertain | undefined {
  const { model } = worker.session;
  const effect: Effect = { kind: "write", ...intended };
  const { condition } = intended;
  finish(worker, started, answer.kind === "refused" ? answer.code : answer.kind);
  switch (answer.kind) {
    case "done":
      model.end(started, effect);
      return undefined;
    case "unknown":
      return model.end(started, effect, true);
    case "hindered":
      return undefined;
    case "refused":
      if (answer.code === "ConditionFailed" || answer.code === "FileNotFound")
        model.end(
          { ...started, text: `${started.text}: ${answer.code}` },
          { kind: "refused", condition, code: answer.code },
        );
      else if (!broken.has(answer.code))
        violated(
          `${show(started.name)}: ${started.text}: unexpected ${answer.code}: ${answer.error.message}`,
        );
      return undefined;
  }
}

/** What bodies that break their word are refused with. */
const broken: ReadonlySet<string> = new Set(["ChecksumMismatch", "InvalidDigest", "IncompleteBody"]);

export function checkFate<T>(started: Started, fate: Fate, answer: Answer<T>): void {
  if (answer.kind === "done" && fate !== "whole")
    violated(`${show(started.name)}: ${started.text}: accepted a body that was ${fate}`);
  if (answer.kind === "refused" && fate === "whole" && broken.has(answer.code))
    violated(`${show(started.name)}: ${started.text}: a whole body was refused with ${answer.code}`);
}

export function checkStored(session: Session, started: Started, tag: string, stored: Stored): void {
  session.etags.set(show(started.name), stored.etag);
  const expected = session.model.etagOf(tag);
  if (stored.etag !== expected)
    violated(`${show(started.name)}: ${started.text}: answered ETag ${stored.etag}, not ${expected}`);
}

export function anyCondition(session: Session, name: Name): Condition {
  if (chance(session.random, 0.15)) return { ifNoneMatchAny: true };
  return chance(session.random, 0.15) ? anyMatch(session, name) : noCondition;
}

function anyMatch(session: Session, name: Name): Condition {
  const etag = session.etags.get(show(name));
  return { ifMatch: etag === undefined || chance(session.random, 0.2) ? "*" : etag };
}

function showCondition({ ifMatch, ifNoneMatchAny }: Condition): string {
  if (ifMatch !== undefined) return ` if-match ${ifMatch}`;
  return ifNoneMatchAny === true ? " if-none-match *" : "";
}
