/**
 * What a store may show, given what it acknowledged. Workloads tell the model when each operation starts and how it
 * ended; every observation is judged: bytes, ETag, length and tag at once, the order of things by `settle`.
 *
 * Every write carries a tag of its own in its user metadata, so each state of a key has a name. `settle` is called when
 * nothing is under way and every key has been read: it checks that some order explains all answers since the last
 * time, and goes on from the state that was read.
 */

import { assert } from "@holdfast/base";
import type { Body } from "./body.ts";
import { bodyLength, firstDifference } from "./body.ts";
import type { Effect, RegisterOperation, RegisterState, Tag } from "./register.ts";
import { isExplainable } from "./register.ts";
import { secondOpinion } from "./second-opinion.ts";
import { violated } from "./violation.ts";

/** What a store says about a file it shows. */
export interface Seen {
  readonly tag: Tag | undefined;
  readonly etag: string;
  readonly bytes: number;
}

interface Shown {
  readonly etag: string;
  readonly bytes: number | undefined;
}

export interface Name {
  readonly bucket: string;
  readonly key: string;
}

interface Written {
  /** Undefined for a copy of which nobody has seen what it copied. */
  body: Body | undefined;
  etag: string | undefined;
  /** Of a copy whose outcome is unknown: where from and when. */
  readonly source: { readonly name: Name; readonly start: number; end: number } | undefined;
}

interface History {
  readonly name: Name;
  settled: RegisterState;
  operations: RegisterOperation[];
  /** What the last whole read showed, and when it began. */
  lastRead: { readonly state: RegisterState; readonly start: number } | undefined;
}

/** What may become known of an operation later. */
export interface Uncertain {
  tookEffect(): void;
  hadNone(): void;
}

/** An operation under way at one key. */
export interface Started {
  readonly name: Name;
  readonly text: string;
  readonly start: number;
}

export interface StoreModelOptions {
  /**
   * An operation whose outcome is unknown may take effect later still, until nothing is under way anywhere: its command is on
   * its way to a leader. Without it: until its client was told, as the store died then.
   */
  readonly unknownMayComeLater: boolean;
}

export class StoreModel {
  readonly #unknownMayComeLater: boolean;
  readonly #written = new Map<Tag, Written>();
  readonly #bodies = new Map<string, Body>();
  readonly #histories = new Map<string, History>();
  #moments = 0;

  constructor({ unknownMayComeLater }: StoreModelOptions = { unknownMayComeLater: false }) {
    this.#unknownMayComeLater = unknownMayComeLater;
  }

  /** The next place in the one order of all starts and ends. */
  moment(): number {
    return ++this.#moments;
  }

  start(name: Name, text: string): Started {
    this.#history(name);
    return { name, text, start: this.moment() };
  }

  /** A write that may happen from now on; its content is known. */
  registerWrite(tag: Tag, body: Body, etag: string): void {
    assert(!this.#written.has(tag), `tag ${tag} used twice`);
    this.#written.set(tag, { body, etag, source: undefined });
    this.#bodies.set(etag, body);
  }

  /** The same write, to be tried again with another content: the first try is known to have had no effect. */
  registerAgain(tag: Tag, body: Body, etag: string): void {
    this.#written.delete(tag);
    this.registerWrite(tag, body, etag);
  }

  registerCopy(tag: Tag, source: Name, start: number): void {
    assert(!this.#written.has(tag), `tag ${tag} used twice`);
    this.#written.set(tag, { body: undefined, etag: undefined, source: { name: source, start, end: start } });
  }

  /** The operation took effect between its start and now; with `maybe`, or never. */
  end(started: Started, effect: Effect, maybe: boolean = false): Uncertain {
    const { text, start, name } = started;
    const now = this.moment();
    const end = maybe && this.#unknownMayComeLater ? Number.POSITIVE_INFINITY : now;
    if (maybe && effect.kind === "write" && effect.state !== undefined) {
      const source = this.#written.get(effect.state)?.source;
      if (source !== undefined) source.end = end;
    }
    const history = this.#history(name);
    const operation = { text: maybe ? `${text} (unknown)` : text, effect, start, end, maybe };
    history.operations.push(operation);
    const replace = (by: readonly RegisterOperation[]): void => {
      history.operations = history.operations.flatMap((one) => (one === operation ? by : [one]));
    };
    return {
      tookEffect: () =>
        replace([
          {
            ...operation,
            text: `${text} (took effect)`,
            maybe: false,
            end: this.#unknownMayComeLater ? this.moment() : end,
          },
        ]),
      hadNone: () => replace([]),
    };
  }

  /** A copy was acknowledged with this ETag: its source showed it meanwhile. */
  copied(tag: Tag, started: Started, etag: string, bytes: number | undefined): void {
    this.#learn(tag, { etag, bytes }, started.start, this.moment());
  }

  /** A key was read, or listed: judges what was shown and remembers it. `undefined`: no file. */
  observe(started: Started, seen: Seen | undefined): void {
    const tag = seen === undefined ? undefined : this.#identify(started, seen);
    const history = this.#history(started.name);
    history.lastRead = { state: tag, start: started.start };
    this.end({ ...started, text: `${started.text} -> ${tag ?? "no file"}` }, { kind: "read", state: tag });
  }

  /** What a listing said about a key; listings do not show tags. */
  observeListed(
    started: Started,
    listed: { readonly etag: string; readonly bytes: number } | undefined,
  ): void {
    const text = `${started.text} -> ${listed?.etag ?? "not there"}`;
    if (listed === undefined) {
      this.end({ ...started, text }, { kind: "read", state: undefined });
      return;
    }
    const body = this.#bodies.get(listed.etag);
    if (body === undefined) violated(`${show(started.name)}: ${text}, an ETag that no write gave`);
    if (bodyLength(body) !== listed.bytes)
      violated(`${show(started.name)}: ${text} with ${listed.bytes} bytes`);
    this.end({ ...started, text }, { kind: "readEtag", etag: listed.etag });
  }

  /** Bytes that were read of a file seen with this tag, from `offset` on. */
  checkBytes(started: Started, tag: Tag, offset: number, bytes: Uint8Array): void {
    const body = this.#written.get(tag)?.body;
    if (body === undefined) violated(`${show(started.name)}: bytes of ${tag}, whose content nobody wrote`);
    const at = firstDifference(body, offset, bytes);
    if (at === undefined) return;
    violated(
      `${show(started.name)}: ${started.text} shows foreign bytes in ${tag} at ${at} of ${bodyLength(body)}`,
    );
  }

  bodyOf(tag: Tag): Body | undefined {
    return this.#written.get(tag)?.body;
  }

  etagOf(tag: Tag): string | undefined {
    return this.#written.get(tag)?.etag;
  }

  names(): readonly Name[] {
    return [...this.#histories.values()].map(({ name }) => name);
  }

  /** Every key was read since `since`, and nothing is under way: judges everything, and forgets what is past. */
  settle(since: number): void {
    for (const history of this.#histories.values()) {
      const { name, lastRead } = history;
      assert(lastRead !== undefined && lastRead.start >= since, `${show(name)} was not read`);
      // Nothing was under way any more by then.
      history.operations = history.operations.map((one) => ({
        ...one,
        end: one.end === Number.POSITIVE_INFINITY ? since : one.end,
      }));
      this.#settle(history);
    }
  }

  /** Some keys were read since `since`: judges those. */
  settleRead(since: number): void {
    for (const history of this.#histories.values())
      if (history.lastRead !== undefined && history.lastRead.start >= since) this.#settle(history);
  }

  #settle(history: History): void {
    const etagOf = (tag: Tag): string | undefined => this.etagOf(tag);
    const { operations, settled } = history;
    if (!isExplainable(operations, settled, etagOf)) violated(this.#explain(history));
    const objection = secondOpinion(operations, settled, etagOf);
    if (objection !== undefined)
      violated(
        `${this.#explain(history)}\n  as the second judge says, not the first:\n${objection.join("\n")}`,
      );
    history.settled = history.lastRead?.state;
    history.operations = [];
  }

  #identify({ name, text, start }: Started, seen: Seen): Tag {
    const { tag } = seen;
    if (tag === undefined) violated(`${show(name)}: ${text} shows a file without its metadata`);
    if (!this.#written.has(tag)) violated(`${show(name)}: ${text} shows ${tag}, which nobody wrote`);
    this.#learn(tag, seen, start, this.#moments);
    return tag;
  }

  #learn(tag: Tag, seen: Shown, start: number, end: number): void {
    const written = this.#written.get(tag);
    assert(written !== undefined, `tag ${tag} is registered`);
    if (written.etag === undefined) this.#learnCopy(tag, written, seen, { start, end });
    const { body, etag } = written;
    if (etag !== seen.etag) violated(`${tag} was written with ETag ${etag} and is shown with ${seen.etag}`);
    if (body !== undefined && seen.bytes !== undefined && bodyLength(body) !== seen.bytes)
      violated(`${tag} was written with ${bodyLength(body)} bytes and is shown with ${seen.bytes}`);
  }

  #learnCopy(
    tag: Tag,
    written: Written,
    seen: Shown,
    now: { readonly start: number; readonly end: number },
  ): void {
    const { source } = written;
    assert(source !== undefined, `${tag} is a copy`);
    written.body = this.#bodies.get(seen.etag);
    written.etag = seen.etag;
    if (written.body === undefined)
      violated(`${tag} copied a content with ETag ${seen.etag}, which nobody wrote`);
    // The source was read before the copy was seen, and before its caller was answered or died.
    const end = source.end > source.start ? Math.min(source.end, now.end) : now.end;
    const effect = { kind: "readEtag", etag: seen.etag } as const;
    const operation = { text: `read by copy ${tag}`, effect, start: source.start, end, maybe: false };
    this.#history(source.name).operations.push(operation);
  }

  #history(name: Name): History {
    const key = `${name.bucket}/${name.key}`;
    let history = this.#histories.get(key);
    if (history === undefined) {
      history = { name, settled: undefined, operations: [], lastRead: undefined };
      this.#histories.set(key, history);
    }
    return history;
  }

  #explain({ name, settled, operations }: History): string {
    const lines = [...operations]
      .sort((a, b) => a.start - b.start)
      .map(({ text, start, end }) => `    ${start} .. ${end}  ${text}`);
    return `${show(name)}: no order explains these answers, beginning with ${settled ?? "no file"}:\n${lines.join("\n")}`;
  }
}

export function show({ bucket, key }: Name): string {
  return `${bucket}/${key}`;
}
