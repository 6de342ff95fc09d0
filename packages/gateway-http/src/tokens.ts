/** Join tokens: by each of them one node comes into the cluster. For the operator, who holds the root key. */

import { StoreError } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import { jsonAnswer, readJson, refuseUnknownMembers } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";
import { requireRoot } from "./require-root.ts";

const hourMs = 60 * 60_000;
const lifetimeMsMin = 1000;
const lifetimeMsMax = 7 * 24 * hourMs;

async function issueToken(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  const { context, request, caller } = call;
  const document = (await readJson(request, caller.payload, context.hashing)) ?? {};
  refuseUnknownMembers(document, ["lifetimeMs"]);
  const lifetimeMs = lifetimeFrom(document["lifetimeMs"]);
  if (context.tokens === undefined)
    throw new StoreError(
      "NotImplemented",
      "This node listens for no other nodes: start it with --rpc HOST:PORT, where they can reach it.",
    );
  const { token, expiresAtMs } = await context.tokens.issue(lifetimeMs);
  return jsonAnswer(201, { token, expiresAtMs }, { "cache-control": "no-store" });
}

function lifetimeFrom(value: unknown): number {
  if (value === undefined) return hourMs;
  const isWhole = typeof value === "number" && Number.isInteger(value);
  if (isWhole && value >= lifetimeMsMin && value <= lifetimeMsMax) return value;
  const message = `lifetimeMs is a whole number from ${lifetimeMsMin} to ${lifetimeMsMax}, which is a week.`;
  throw new StoreError("InvalidRequest", message);
}

export const tokenOperations: readonly Operation[] = [
  {
    method: "POST",
    path: "/cluster/tokens",
    operationId: "issueJoinToken",
    run: issueToken,
    document: {
      summary: "A token by which one node may join, once; for an hour unless said (root key)",
      body: { kind: "json", schema: "IssueJoinToken", required: false },
      answer: {
        status: 201,
        description: "The token, which nobody is told again",
        kind: "json",
        schema: "JoinToken",
      },
    },
  },
];
