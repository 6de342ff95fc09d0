/** What the suite is made of: operations, and for each of them claims that are tried on an endpoint. */

import assert from "node:assert/strict";
import { S3ServiceException } from "@aws-sdk/client-s3";
import type { RawAnswer } from "./raw-request.ts";
import type { Target } from "./target.ts";

export interface ConformanceCase {
  readonly claim: string;
  /** What an endpoint must be or have beyond S3's promises; without it the claim is left out. */
  readonly needs?: "own node" | "domain";
  readonly run: (target: Target) => Promise<void>;
}

export interface ConformanceOperation {
  /** As AWS calls it; several with ", " between. */
  readonly name: string;
  /** The names of AWS's operations that it is about, where the name does not say it. */
  readonly commands?: readonly string[];
  /** One line for docs/s3.md. */
  readonly supports: string;
  readonly cases: readonly ConformanceCase[];
}

export function works(claim: string, run: (target: Target) => Promise<void>): ConformanceCase {
  return { claim, run };
}

/** The SDK's rejection or a raw answer has this status and code, as in "404 NoSuchKey". */
export function refuses(
  claim: string,
  expected: string,
  send: (target: Target) => Promise<unknown>,
): ConformanceCase {
  return {
    claim: `${claim}: ${expected}`,
    run: async (target) => {
      assert.equal(await outcomeOf(target, send(target)), expected);
    },
  };
}

/** "200" for what succeeded; for HEAD the SDK's own names stand where no body says more. */
export async function outcomeOf(target: Target, sent: Promise<unknown>): Promise<string> {
  try {
    const answer = await sent;
    if (!isRawAnswer(answer)) return "200";
    return answer.code === "" ? String(answer.status) : `${answer.status} ${answer.code}`;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    const status = error.$metadata.httpStatusCode ?? 0;
    const code = status === 304 ? "NotModified" : error.name;
    target.seenCodes.add(code);
    return `${status} ${code}`;
  }
}

function isRawAnswer(answer: unknown): answer is RawAnswer {
  return typeof answer === "object" && answer !== null && "status" in answer && "code" in answer;
}
