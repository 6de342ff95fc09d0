/** What a command that speaks to a store works with: the connection, the output, and the signal that ends it early. */

import { StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { Failure } from "./failure.ts";
import type { Output } from "./output.ts";
import { openOutput } from "./output.ts";
import { storeSettings } from "./settings.ts";

export interface SessionFlags {
  readonly json?: boolean;
  readonly endpoint?: string;
}

export interface Session {
  readonly output: Output;
  /** The addresses of the store, as one text. */
  readonly endpoint: string;
  /** Aborted by SIGINT and SIGTERM: whoever works removes what is half done and ends. */
  readonly signal: AbortSignal;
  store(): Promise<Store>;
  /** Reports a failure of one part of the work; the rest goes on, and the exit code will be 1. */
  fail(error: unknown, about: string): void;
  /** The error with what only the session knows about it. */
  explained(error: unknown): unknown;
  close(): Promise<void>;
}

/** Long enough for a node to start again, short enough to notice that none is there. */
const retryMs = 5000;

export function openStoreSession(flags: SessionFlags): Session {
  const settings = storeSettings(flags.endpoint, process.env);
  const output = openOutput({ stdout: process.stdout, stderr: process.stderr }, flags.json === true);
  const abort = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    abort.abort(
      new Failure(`ended by ${signal}`, { code: "Interrupted", next: "run the command again to finish" }),
    );
    // Nothing else would end a wait for input.
    process.stdin.destroy();
  };
  // Once: who insists ends the process.
  for (const signal of interrupts) process.once(signal, interrupt);
  let store: Promise<Store> | undefined;
  const connectOnce = async (): Promise<Store> => {
    const { connect } = await import("@holdfast/client");
    return connect({
      endpoint: settings.endpoints,
      accessKey: settings.accessKey,
      secretKey: settings.secretKey,
      retryMs,
    });
  };
  return {
    output,
    endpoint: settings.endpoints.join(","),
    signal: abort.signal,
    store: () => (store ??= connectOnce()),
    fail: (error, about) => {
      process.exitCode = 1;
      output.failure(explainKeys(error, settings.keysFrom), about);
    },
    explained: (error) => explainKeys(error, settings.keysFrom),
    close: async () => {
      for (const signal of interrupts) process.off(signal, interrupt);
      (await store)?.close();
    },
  };
}

const interrupts = ["SIGINT", "SIGTERM"] as const;

const keyErrors: ReadonlySet<string> = new Set(["InvalidAccessKey", "SignatureMismatch"]);

function explainKeys(error: unknown, keysFrom: string): unknown {
  if (!(error instanceof StoreError) || !keyErrors.has(error.code)) return error;
  const next = `check the keys; these are from ${keysFrom} (HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY come first)`;
  return new Failure(error.message, { code: error.code, next, cause: error });
}
