/** What goes wrong, in the words a user needs: a code, a sentence, and what to do next. */

import type { ErrorCode } from "@holdfast/base";
import { StoreError } from "@holdfast/base";

/** The command was written wrongly, or its settings were: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

interface FailureOptions {
  readonly code: string;
  readonly next?: string;
  readonly cause?: unknown;
}

/** The command was fine and could not be done: exit code 1. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: string;
  /** What the user can do about it. */
  readonly next: string | undefined;

  constructor(message: string, options: FailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.next = options.next;
  }
}

export interface Explanation {
  readonly code: string;
  readonly message: string;
  readonly next: string | undefined;
  readonly retryable: boolean | undefined;
  readonly outcome: string | undefined;
  readonly exitCode: 1 | 2;
}

export function explain(error: unknown): Explanation {
  if (error instanceof UsageError) {
    const next = "see the command's --help";
    return { code: "Usage", message: error.message, next, retryable: false, outcome: undefined, exitCode: 2 };
  }
  if (error instanceof Failure) return failed(error.code, error.message, error.next);
  if (error instanceof StoreError) {
    const { code, message, retryable, outcome } = error;
    return { code, message, next: storeErrorNext(error), retryable, outcome, exitCode: 1 };
  }
  const code = systemErrorCode(error);
  // Node's own messages begin with the code, which is shown beside them.
  if (code !== undefined)
    return failed(code, messageOf(error).replace(`${code}: `, ""), systemErrorNext[code]);
  return failed("Internal", messageOf(error), undefined);
}

/** Node's own errors (ENOENT, EADDRINUSE) carry a code; others do not. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function failed(code: string, message: string, next: string | undefined): Explanation {
  return { code, message, next, retryable: undefined, outcome: undefined, exitCode: 1 };
}

const systemErrorNext: Readonly<Record<string, string>> = {
  ENOENT: "check the path",
  EACCES: "check the permissions of the path, or of the port",
  EPERM: "check the permissions of the path",
  ENOSPC: "free some space on the local disk and run the command again",
  EISDIR: "give -r to copy a folder",
  EMFILE: "raise the limit of open files (ulimit -n) or lower --parallel",
};

const checkKeys = "check HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY";
const checkClock = "check this machine's clock";

const nextSteps: Partial<Record<ErrorCode, string>> = {
  BucketNotFound: "list the buckets with `holdfast ls`, or create one with `holdfast mb hf://NAME`",
  FileNotFound: "list the files with `holdfast ls hf://BUCKET/PREFIX`",
  BucketNotEmpty: "remove its files first with `holdfast rm -r hf://BUCKET`",
  InvalidBucketName: "use 3 to 63 lower-case letters, digits, dots and hyphens",
  NodeNotFound: "list the nodes with `holdfast cluster status`",
  NodeInUse: "`holdfast cluster status` shows what it holds; `holdfast cluster drain` has it give that away",
  LayoutConflict: "`holdfast cluster status` shows the change under way; wait for its end, or take it back",
  InvalidAccessKey: checkKeys,
  SignatureMismatch: checkKeys,
  AccessDenied: checkKeys,
  RequestTimeSkewed: checkClock,
  RequestExpired: checkClock,
  Unavailable: "check that a node serves at HOLDFAST_ENDPOINT (`holdfast dev` starts one on this machine)",
  OutOfSpace: "remove files, or give the node a larger disk",
};

function storeErrorNext(error: StoreError): string | undefined {
  // A node was reached, and says itself that it cannot serve this now.
  if (error.code === "Unavailable" && error.fields["status"] !== undefined)
    return "run the command again; `holdfast doctor` says what is wrong";
  return nextSteps[error.code] ?? nextByOutcome(error);
}

function nextByOutcome(error: StoreError): string | undefined {
  if (!error.retryable) return undefined;
  if (error.outcome === "unknown") return "look whether it took place, then run the command again if needed";
  return "run the command again";
}
