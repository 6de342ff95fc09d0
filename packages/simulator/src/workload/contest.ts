/**
 * Many clients at one key at once, each by way of a node of its own: first all try to create it, by a put, a copy or the completion
 * of an upload; then all change it on the condition that nobody else did; then all delete what they have just read, and
 * create it anew. Of those who named one state of the key exactly one wins. The model judges the order of all answers besides.
 */

import { chance, present, uniform } from "@holdfast/base";
import type { Condition } from "../model/register.ts";
import type { Name } from "../model/store-model.ts";
import { show } from "../model/store-model.ts";
import type { Upload } from "../model/upload-model.ts";
import { violated } from "../model/violation.ts";
import type { AnswerKind } from "./connection.ts";
import { readName } from "./file-reads.ts";
import { copyRetagged, put, remove } from "./file-writes.ts";
import type { Session } from "./session.ts";
import { fixtures, mainBuckets } from "./session.ts";
import { abortUpload, completeTogether, completeUpload, createUpload, putPart } from "./upload-operations.ts";
import type { Worker } from "./worker.ts";

export interface ContestParts {
  readonly session: Session;
  readonly clientsCount: number;
  /** Changes on a condition that each client tries. */
  readonly changesCount: number;
  readonly pause: (ms: number) => Promise<void>;
  /** Called as all of them begin. */
  readonly onMoment: () => void;
  /** One request of a client, by way of any node; false while none runs. */
  readonly operate: (client: number, operation: (worker: Worker) => Promise<void>) => Promise<boolean>;
}

/** Clients of a contest have numbers of their own. */
const firstClient = 100;
/** Between two things that all of them do: contests go on while faults come and go. */
const pauseMsMax = 1000;
const absent: Condition = { ifNoneMatchAny: true };

export async function runContest(parts: ContestParts, name: Name): Promise<void> {
  await new Contest(parts, name).run();
}

/** No contest was about it before. */
export function contestName({ random }: Session, number: number): Name {
  const bucket = mainBuckets[uniform(random, mainBuckets.length)] ?? "main-a";
  return { bucket, key: `contest/${number}` };
}

class Contest {
  readonly #parts: ContestParts;
  readonly #name: Name;
  readonly #clients: readonly number[];
  readonly #uploads = new Map<number, Upload>();
  /** ETags that a change or a deletion has named and won. */
  readonly #replaced = new Set<string>();

  constructor(parts: ContestParts, name: Name) {
    this.#parts = parts;
    this.#name = name;
    this.#clients = Array.from({ length: parts.clientsCount }, (_, i) => firstClient + i);
  }

  async run(): Promise<void> {
    const { session, changesCount, pause, onMoment } = this.#parts;
    const { random } = session;
    await this.#prepareUploads();
    const changes = Array.from({ length: changesCount }, () => () => this.#change());
    const deletes = chance(random, 0.5) ? [() => this.#deleteAndCreate()] : [];
    for (const act of [() => this.#create(), ...changes, ...deletes, () => this.#completeUploadTogether()]) {
      await pause(uniform(random, pauseMsMax));
      onMoment();
      await act();
      await this.#look();
    }
    await this.#abortUploads();
  }

  /** Some clients have an upload that wants nothing but to be completed. */
  async #prepareUploads(): Promise<void> {
    const { random } = this.#parts.session;
    await this.#each(async (worker) => {
      if (!chance(random, 0.25)) return;
      const upload = await createUpload(worker, this.#name);
      if (upload === undefined) return;
      await putPart(worker, upload, 1 + uniform(random, 100), this.#anyBytes());
      if (upload.partNumbers.length > 0 && upload.isCertain) this.#uploads.set(worker.number, upload);
    });
  }

  async #create(): Promise<void> {
    const tally = new Tally();
    await this.#each(async (worker) => tally.add(await this.#createBy(worker)));
    tally.check(`creation of ${show(this.#name)}`);
  }

  #createBy(worker: Worker): Promise<AnswerKind> {
    const { random } = worker.session;
    const upload = this.#uploads.get(worker.number);
    if (upload !== undefined) return completeUpload(worker, upload, absent);
    if (chance(random, 0.2)) return copyRetagged(worker, anyFixture(worker.session), this.#name, absent);
    return this.#put(worker, absent);
  }

  async #change(): Promise<void> {
    await this.#each(async (worker) => {
      const etag = await this.#read(worker);
      if (etag === undefined) return;
      const condition = { ifMatch: etag };
      const copies = chance(worker.session.random, 0.1);
      const answer = copies
        ? await copyRetagged(worker, anyFixture(worker.session), this.#name, condition)
        : await this.#put(worker, condition);
      this.#conclude(etag, answer);
    });
  }

  async #deleteAndCreate(): Promise<void> {
    await this.#each(async (worker) => {
      const etag = await this.#read(worker);
      if (etag === undefined || chance(worker.session.random, 0.4)) await this.#put(worker, absent);
      else this.#conclude(etag, await remove(worker, this.#name, { ifMatch: etag }));
    });
  }

  /** Each ETag is of one write here, but for those that copies bring: it can be replaced once. */
  #conclude(etag: string, answer: AnswerKind): void {
    const { model, fixtureTags } = this.#parts.session;
    if (answer !== "done" || fixtureTags.some((tag) => model.etagOf(tag) === etag)) return;
    if (this.#replaced.has(etag)) violated(`${show(this.#name)}: two have won who named ETag ${etag}`);
    this.#replaced.add(etag);
  }

  /** One upload, completed by several who do not know of each other: all are told the same (S20). */
  async #completeUploadTogether(): Promise<void> {
    const upload = [...this.#uploads.values()].find(({ status }) => status === "open");
    if (upload === undefined) return;
    await completeTogether(this.#parts.session, upload, (complete) => this.#each(complete));
  }

  async #abortUploads(): Promise<void> {
    await this.#each(async (worker) => {
      const upload = this.#uploads.get(worker.number);
      if (upload?.status === "open") await abortUpload(worker, upload);
    });
  }

  /** Some look at once, by way of other nodes: what was answered has to be seen. */
  async #look(): Promise<void> {
    await this.#each(async (worker) => {
      if (chance(worker.session.random, 0.3)) await readName(worker, this.#name);
    });
  }

  async #each(act: (worker: Worker) => Promise<void>): Promise<void> {
    const { operate } = this.#parts;
    await Promise.all(this.#clients.map((client) => operate(client, act)));
  }

  async #read(worker: Worker): Promise<string | undefined> {
    const { session } = worker;
    // Others go by what somebody has seen a while ago.
    if (chance(session.random, 0.5)) await readName(worker, this.#name);
    return session.etags.get(show(this.#name));
  }

  #put(worker: Worker, condition: Condition): Promise<AnswerKind> {
    return put(worker, { name: this.#name, bytes: this.#anyBytes(), condition, fate: "whole" });
  }

  #anyBytes(): number {
    const { random, options } = this.#parts.session;
    return chance(random, 0.1) ? options.bodyBytesMax : 1 + uniform(random, 1000);
  }
}

function anyFixture({ random }: Session): Name {
  return present(fixtures[uniform(random, fixtures.length)], "a fixture");
}

/** How those fared who tried to create a key that nobody has deleted yet. */
class Tally {
  readonly #counts: Record<AnswerKind, number> = { done: 0, refused: 0, hindered: 0, unknown: 0 };

  add(kind: AnswerKind): void {
    this.#counts[kind]++;
  }

  check(what: string): void {
    const { done, refused, unknown } = this.#counts;
    if (done > 1) violated(`${what}: ${done} have won`);
    if (done + unknown === 0 && refused > 0) violated(`${what}: ${refused} have lost, and nobody has won`);
  }
}
