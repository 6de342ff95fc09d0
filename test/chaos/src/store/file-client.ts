/** One client of the store: one operation after another, at any node, each recorded with what it saw. */

import { setTimeout as delay } from "node:timers/promises";
import { KiB, MiB, StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import type { Condition, Operation, Value } from "@holdfast/linearizability";
import type { Contents, MadeContent } from "./contents.ts";

export interface FileWorld {
  /** By node; without retries. */
  readonly stores: readonly Store[];
  readonly bucket: string;
  readonly contents: Contents;
  /** Of one clock for all clients. */
  readonly nowMs: () => number;
  /** Below `count`. */
  readonly draw: (count: number) => number;
  /** All names of now have this in front. */
  readonly prefix: () => string;
  readonly record: (operation: Operation) => void;
  /** Something that no order of operations could explain, or an error that must not be. */
  readonly problem: (text: string) => void;
  /** Whether so many bytes more may be stored. */
  readonly takeRoom: (bytes: number) => boolean;
}

interface Call {
  readonly client: string;
  readonly key: string;
  readonly called: number;
}

type Write = Call & {
  readonly kind: "write";
  readonly value: Value;
  readonly condition: Condition | undefined;
};

type Guard = { readonly expected: Value } | undefined;

export const keysCount = 5;
const callMsMax = 4000;
const uploadMsMax = 10_000;
/** After a refusal, so that a node that is down is not asked all the time. */
const pauseMs = 50;
/** One operation in so many is at another node than the client's own. */
const strayOneIn = 5;

/** What a store in trouble may say; what it means for a write is its outcome. */
const expected = new Set(["Unavailable", "OutcomeUnknown", "Overloaded", "Stopped", "OutOfSpace"]);

export class FileClient {
  readonly #name: string;
  readonly #home: number;
  readonly #world: FileWorld;
  readonly #known = new Map<string, Value>();
  answersCount = 0;
  /** By code, of what was not answered. */
  readonly refusals: Map<string, number> = new Map();

  constructor(number: number, world: FileWorld) {
    this.#name = `c${number}`;
    this.#home = number % world.stores.length;
    this.#world = world;
  }

  async operate(): Promise<void> {
    const before = this.answersCount;
    const key = this.#key();
    const choice = this.#world.draw(100);
    if (choice < 34) await this.#read(key);
    else if (choice < 38) await this.#stat(key);
    else if (choice < 54) await this.#store(key, undefined);
    else if (choice < 64) await this.#store(key, { expected: null });
    else if (choice < 76) await this.#storeOver(key);
    else if (choice < 82) await this.#delete(key);
    else if (choice < 86) await this.#deleteKnown(key);
    else if (choice < 93) await this.#copy(key);
    else if (choice < 99) await this.#list();
    else await this.#storeInParts(key);
    if (this.answersCount === before) await delay(pauseMs);
  }

  #key(): string {
    return `${this.#world.prefix()}${this.#world.draw(keysCount)}`;
  }

  get #at(): Store {
    const { stores, draw } = this.#world;
    const node = draw(strayOneIn) === 0 ? draw(stores.length) : this.#home;
    const store = stores[node] ?? stores[0];
    if (store === undefined) throw new Error("there is no node");
    return store;
  }

  #path(key: string): string {
    return `${this.#world.bucket}/${key}`;
  }

  #begin(key: string): Call {
    return { client: this.#name, key, called: this.#world.nowMs() };
  }

  async #read(key: string): Promise<void> {
    const call = this.#begin(key);
    const signal = AbortSignal.timeout(callMsMax);
    try {
      const reading = await this.#at.readFile(this.#path(key), { signal });
      this.#saw(call, reading.etag);
      const problem = this.#world.contents.problemOf(reading.etag, await reading.bytes());
      if (problem !== undefined) this.#world.problem(`${key} was read: ${problem}`);
    } catch (error) {
      this.#notRead(call, error);
    }
  }

  async #stat(key: string): Promise<void> {
    const call = this.#begin(key);
    try {
      const { etag } = await this.#at.statFile(this.#path(key), { signal: AbortSignal.timeout(callMsMax) });
      this.#saw(call, etag);
    } catch (error) {
      this.#notRead(call, error);
    }
  }

  /** Names that a listing leaves out are not there. */
  async #list(): Promise<void> {
    const prefix = this.#world.prefix();
    const { called } = this.#begin(prefix);
    try {
      const signal = AbortSignal.timeout(callMsMax);
      const found = new Map<string, string>();
      for await (const entry of this.#at.listFiles(this.#path(prefix), { signal }))
        if (entry.kind === "file") found.set(entry.name, entry.etag);
      for (let i = 0; i < keysCount; i++) {
        const call = { client: this.#name, key: `${prefix}${i}`, called };
        this.#saw(call, found.get(this.#path(call.key)) ?? null);
      }
    } catch (error) {
      this.#refused(error);
    }
  }

  #store(key: string, condition: Guard): Promise<void> {
    const content = this.#world.contents.make(this.#size());
    return this.#write(key, content.etag, condition, (signal) => this.#put(key, content, condition, signal));
  }

  async #storeOver(key: string): Promise<void> {
    const known = this.#known.get(key);
    if (known === undefined) return this.#read(key);
    return this.#store(key, { expected: known });
  }

  async #put(key: string, { bytes, etag }: MadeContent, condition: Guard, signal: AbortSignal) {
    const conditions =
      condition === undefined
        ? {}
        : condition.expected === null
          ? { ifNoneMatch: "*" }
          : { ifMatch: condition.expected };
    const stored = await this.#at.storeFile(this.#path(key), bytes, { ...conditions, signal });
    if (stored.etag !== etag)
      this.#world.problem(`${key} was stored as ${etag}, and the answer says ${stored.etag}`);
  }

  /** As a stream of more than one part. */
  async #storeInParts(key: string): Promise<void> {
    const bytes = 16 * MiB + 1 + this.#world.draw(MiB);
    if (!this.#world.takeRoom(bytes)) return this.#store(key, undefined);
    const content = this.#world.contents.make(bytes, true);
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      for (let offset = 0; offset < bytes; offset += MiB) yield content.bytes.subarray(offset, offset + MiB);
    };
    await this.#write(
      key,
      content.etag,
      undefined,
      async (signal) => {
        const stored = await this.#at.storeFile(this.#path(key), stream(), { signal });
        if (stored.etag !== content.etag)
          this.#world.problem(`${key} was stored as ${content.etag}, and the answer says ${stored.etag}`);
      },
      uploadMsMax,
    );
  }

  async #delete(key: string): Promise<void> {
    const call = this.#begin(key);
    try {
      const { existed } = await this.#at.deleteFile(this.#path(key), {
        signal: AbortSignal.timeout(callMsMax),
      });
      if (!existed) return this.#saw(call, null);
      this.#wrote({ ...call, kind: "write", value: null, condition: { unexpected: null } });
    } catch (error) {
      this.#notWritten({ ...call, kind: "write", value: null, condition: undefined }, error);
    }
  }

  async #deleteKnown(key: string): Promise<void> {
    const known = this.#known.get(key);
    if (known === undefined || known === null) return this.#read(key);
    return this.#write(key, null, { expected: known }, async (signal) => {
      await this.#at.deleteFile(this.#path(key), { ifMatch: known, signal });
    });
  }

  /** Of a known version, so that it is known what is copied even if nobody answers. */
  async #copy(from: string): Promise<void> {
    const source = this.#known.get(from);
    const to = this.#key();
    if (source === undefined || source === null || to === from) return this.#read(from);
    const call = this.#begin(from);
    await this.#write(
      to,
      source,
      undefined,
      async (signal) => {
        const options = { sourceIfMatch: source, signal };
        const { etag } = await this.#at.copyFile(this.#path(from), this.#path(to), options);
        if (etag !== source) this.#world.problem(`${from} with ${source} was copied as ${etag}`);
        this.#saw(call, source);
      },
      callMsMax,
      call,
    );
  }

  /** `source`: of a copy, whose refusals speak of the source. */
  async #write(
    key: string,
    value: Value,
    condition: Guard,
    action: (signal: AbortSignal) => Promise<void>,
    msMax: number = callMsMax,
    source?: Call,
  ): Promise<void> {
    const call = this.#begin(key);
    const write = { ...call, kind: "write", value, condition } as const;
    try {
      await action(AbortSignal.timeout(msMax));
      this.#wrote(write);
    } catch (error) {
      this.#known.delete(key);
      if (isCode(error, "ConditionFailed")) this.#conditionFailed(write, source);
      else if (isCode(error, "FileNotFound")) this.#saw(source ?? call, null);
      else this.#notWritten(write, error);
    }
  }

  #wrote(write: Write): void {
    this.#world.record({ ...write, outcome: "ok", returned: this.#world.nowMs() });
    this.#known.set(write.key, write.value);
    this.answersCount++;
  }

  #notWritten(write: Write, error: unknown): void {
    this.#known.delete(write.key);
    const isOpen = error instanceof StoreError && error.outcome === "unknown";
    if (isOpen) this.#world.record({ ...write, outcome: "unknown", returned: Number.POSITIVE_INFINITY });
    this.#refused(error);
  }

  #conditionFailed(write: Write, source?: Call): void {
    const { key, value } = write;
    const refused: Write =
      source === undefined ? write : { ...source, kind: "write", value, condition: { expected: value } };
    if (refused.condition === undefined)
      return this.#world.problem(`${key}: a condition failed, and there was none`);
    this.#known.delete(refused.key);
    this.#world.record({ ...refused, outcome: "refused", returned: this.#world.nowMs() });
    this.answersCount++;
  }

  #saw(call: Call, value: Value): void {
    const { contents, problem, record, nowMs } = this.#world;
    if (value !== null && !contents.isKnown(value))
      problem(`${call.key} has ETag ${value}, which nobody wrote`);
    record({ ...call, kind: "read", value, returned: nowMs() });
    this.#known.set(call.key, value);
    this.answersCount++;
  }

  #notRead(call: Call, error: unknown): void {
    if (isCode(error, "FileNotFound")) this.#saw(call, null);
    else this.#refused(error);
  }

  #refused(error: unknown): void {
    const code = error instanceof StoreError ? error.code : error instanceof Error ? error.name : "unknown";
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
    if (isTimeout || (error instanceof StoreError && expected.has(error.code))) return;
    this.#world.problem(`${this.#name} was told what it must not be: ${String(error)}`);
  }

  /** From a few bytes, which travel in the log, to blocks in slots on several nodes. */
  #size(): number {
    const { draw, takeRoom } = this.#world;
    const choice = draw(20);
    const bytes =
      choice < 10
        ? 8 + draw(2 * KiB)
        : choice < 15
          ? 20 * KiB + draw(200 * KiB)
          : choice < 19
            ? MiB + draw(2 * MiB)
            : 4 * MiB + draw(2 * MiB);
    return takeRoom(bytes) ? bytes : 8 + draw(2 * KiB);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof StoreError && error.code === code;
}
