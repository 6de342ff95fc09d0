/** A client's tie to one life of the store: asking, waiting, and what a failure means. */

import type { ErrorCode } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import { Violation, violated } from "../model/violation.ts";
import type { Session } from "./session.ts";
import type { StoreClient } from "./store-client.ts";

export type Answer<T> =
  | { readonly kind: "done"; readonly value: T }
  /** Without effect, for this reason. */
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly error: StoreError }
  /** Without effect, and nothing to conclude: a bad day that the run brought about, or the sender broke off. */
  | { readonly kind: "hindered" }
  | { readonly kind: "unknown" };

export type AnswerKind = Answer<unknown>["kind"];

export interface ConnectionOptions {
  readonly session: Session;
  readonly store: StoreClient;
  readonly pause: (ms: number) => Promise<void>;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Resolves when this life of the store ends; what is under way then has an unknown outcome. */
  readonly died: Promise<void>;
  /** Bad days that this run brings about; of a request that began at this monotonic time. */
  readonly tolerates: (error: StoreError, sinceMs: number) => boolean;
}

/** Thrown by bodies that break off on purpose. */
export class SenderGone extends Error {
  override readonly name: string = "SenderGone";
}

/** What the model makes sense of; every other refusal is a violation, or tolerated. */
const meaningful: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BucketNotFound",
  "BucketAlreadyExists",
  "BucketAlreadyOwnedByYou",
  "BucketNotEmpty",
  "FileNotFound",
  "ConditionFailed",
  "InvalidRange",
  "ChecksumMismatch",
  "InvalidDigest",
  "IncompleteBody",
  "UploadNotFound",
  "InvalidPart",
  "PartTooSmall",
]);

export class Connection {
  readonly store: StoreClient;
  readonly #options: ConnectionOptions;
  #isDead = false;

  constructor(options: ConnectionOptions) {
    this.store = options.store;
    this.#options = options;
    void options.died.then(() => this.end());
  }

  /** The store is dead: nothing more is asked of it. Called before `died` resolves, or because it has. */
  end(): void {
    this.#isDead = true;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get nowMs(): number {
    return this.#options.nowMs();
  }

  /** A bad day that this run brings about. */
  tolerates(error: StoreError, sinceMs: number): boolean {
    return this.#options.tolerates(error, sinceMs);
  }

  /** Resolves early when the store dies. */
  pause(ms: number): Promise<void> {
    return Promise.race([this.#options.pause(ms), this.#options.died]);
  }

  /** `excused`: refusals that are no violation, whatever the run brings about. */
  async ask<T>(
    text: string,
    request: () => Promise<T>,
    excused: readonly ErrorCode[] = [],
  ): Promise<Answer<T>> {
    if (this.#isDead) return { kind: "hindered" };
    const sinceMs = this.nowMs;
    const answered = request().then(
      (value): Answer<T> => ({ kind: "done", value }),
      (error: unknown) => this.#failure<T>(text, error, sinceMs, excused),
    );
    return Promise.race([answered, this.#options.died.then((): Answer<T> => ({ kind: "unknown" }))]);
  }

  #failure<T>(text: string, error: unknown, sinceMs: number, excused: readonly ErrorCode[]): Answer<T> {
    if (error instanceof Violation) throw error;
    if (error instanceof SenderGone) return { kind: "hindered" };
    if (!(error instanceof StoreError)) {
      // A dying process may say anything; nobody hears it.
      if (this.#isDead) return { kind: "unknown" };
      return violated(`${text}: failed with something other than a StoreError: ${describe(error)}`);
    }
    if (error.outcome === "not-applied" && meaningful.has(error.code))
      return { kind: "refused", code: error.code, error };
    const { deletionsUnderWay, lastDeletionEndedMs, unsettledBuckets } = this.#options.session;
    const mayMeetDeletion = deletionsUnderWay + unsettledBuckets.size > 0 || lastDeletionEndedMs >= sinceMs;
    const deleting = error.code === "Overloaded" && mayMeetDeletion;
    const isExcused = deleting || excused.includes(error.code);
    if (this.#isDead || isExcused || this.#options.tolerates(error, sinceMs))
      return error.outcome === "not-applied" ? { kind: "hindered" } : { kind: "unknown" };
    return violated(`${text}: unexpected ${error.code} (${error.outcome}): ${error.message}${causes(error)}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

function causes(error: Error): string {
  return error.cause === undefined ? "" : `\n  caused by ${describe(error.cause)}`;
}
