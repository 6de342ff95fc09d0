/**
 * Errors that a healthy node with one account does not answer: the same gateway on real sockets over a store that fails as
 * it is told to.
 */

import assert from "node:assert/strict";
import { StoreError } from "@holdfast/base";
import { createS3Gateway } from "@holdfast/gateway-s3";
import { listenHttp, nodeHashing, realClock } from "@holdfast/host";
import type { Files } from "@holdfast/node";
import { silentJournal } from "@holdfast/ports";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf } from "../conformance-case.ts";
import type { RawRequest } from "../raw-request.ts";
import { sendRaw } from "../raw-request.ts";

const region = "eu-conformance-1";

/** Every operation ends like this; bodies are read to their end before. */
function failingFiles(failure: Error): Files {
  const fail = async (request: unknown): Promise<never> => {
    const body: unknown =
      typeof request === "object" && request !== null ? Reflect.get(request, "body") : undefined;
    if (hasChunks(body)) for await (const _ of body.chunks);
    throw failure;
  };
  const nothing: Partial<Files> = {};
  const files = new Proxy(nothing, { get: (_, name) => (name === "within" ? () => files : fail) }) as Files;
  return files;
}

function hasChunks(body: unknown): body is { readonly chunks: AsyncIterable<Uint8Array> } {
  return typeof body === "object" && body !== null && "chunks" in body;
}

interface Fault {
  readonly claim: string;
  readonly failure: Error;
  readonly request: Omit<RawRequest, "path"> & { readonly path?: string };
  readonly expected: string;
}

const file = { method: "PUT", body: "x" };
const bucket = { method: "PUT", path: "/bucket" };
const faults: readonly Fault[] = [
  {
    claim: "too much at once",
    failure: new StoreError("Overloaded", "busy"),
    request: file,
    expected: "503 SlowDown",
  },
  {
    claim: "a full disk",
    failure: new StoreError("OutOfSpace", "full"),
    request: file,
    expected: "503 ServiceUnavailable",
  },
  {
    claim: "a node that stops",
    failure: new StoreError("Stopped", "stops"),
    request: file,
    expected: "503 ServiceUnavailable",
  },
  {
    claim: "an outcome that nobody knows",
    failure: new StoreError("OutcomeUnknown", "?"),
    request: file,
    expected: "500 InternalError",
  },
  {
    claim: "damaged data",
    failure: new StoreError("DataCorrupt", "rot"),
    request: file,
    expected: "500 InternalError",
  },
  {
    claim: "a fault of the program",
    failure: new TypeError("a fault"),
    request: file,
    expected: "500 InternalError",
  },
  {
    claim: "somebody else's bucket",
    failure: new StoreError("BucketAlreadyExists", "not yours"),
    request: bucket,
    expected: "409 BucketAlreadyExists",
  },
  {
    claim: "one's own bucket outside of us-east-1",
    failure: new StoreError("BucketAlreadyOwnedByYou", "yours"),
    request: bucket,
    expected: "409 BucketAlreadyOwnedByYou",
  },
  {
    claim: "a client that falls silent",
    failure: new Error("unused"),
    request: { method: "PUT", body: "x".repeat(100_000), sentBytes: 10 },
    expected: "400 RequestTimeout",
  },
];

function faultCase({ claim, failure, request, expected }: Fault): ConformanceCase {
  return {
    claim: `${claim}: ${expected}`,
    needs: "own node",
    run: async (target) => {
      const { accessKey, secretKey } = target.endpoint;
      const credentials = { account: "conformance", secretKey };
      const handler = createS3Gateway({
        files: failingFiles(failure),
        access: { credentials: () => Promise.resolve(credentials) },
        clock: realClock,
        hashing: nodeHashing,
        journal: silentJournal,
        region,
      });
      const limits = { idleTimeoutMs: 100 };
      const listener = await listenHttp({
        host: "127.0.0.1",
        port: 0,
        handler,
        journal: silentJournal,
        clock: realClock,
        limits,
      });
      const url = `http://127.0.0.1:${listener.port}`;
      try {
        const sent = sendRaw(
          { ...target.endpoint, url, region, accessKey },
          { path: "/bucket/key", ...request },
        );
        assert.equal(await outcomeOf(target, sent), expected);
        target.seenCodes.add((await sent).code);
        if (expected.startsWith("5")) assert.ok((await sent).headers["x-holdfast-outcome"] !== undefined);
      } finally {
        await listener.close();
      }
    },
  };
}

export const faultAnswers: ConformanceOperation = {
  name: "Failures",
  supports: "503 only for what was not applied; `x-holdfast-outcome` on every 5xx",
  cases: faults.map(faultCase),
};
