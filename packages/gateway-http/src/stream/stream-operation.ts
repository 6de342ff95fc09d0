/** How a client asks for a stream. */

import { StoreError } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import { errorAnswer } from "../error-answer.ts";
import type { ApiCall, Operation } from "../operation.ts";

async function openStream({ context, request, caller, query }: ApiCall): Promise<HttpResponse> {
  if (!asksForWebSocket(request.headers)) {
    const error = new StoreError("InvalidRequest", "A stream is opened as a WebSocket (RFC 6455).");
    const answer = errorAnswer(error, request.requestId, 426);
    return { ...answer, headers: { ...answer.headers, connection: "upgrade", upgrade: "websocket" } };
  }
  const nonce = query.requiredText("nonce");
  if (!/^[0-9a-f]{32}$/.test(nonce))
    throw new StoreError("InvalidArgument", "nonce is 16 random bytes, in lower-case hex.");
  return context.streams.open(request, caller, nonce);
}

function asksForWebSocket(headers: Readonly<Record<string, string | undefined>>): boolean {
  const connection = headers["connection"]?.toLowerCase() ?? "";
  return headers["upgrade"]?.toLowerCase() === "websocket" && /(?:^|,)\s*upgrade\s*(?:,|$)/.test(connection);
}

export const streamOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/stream",
    operationId: "openStream",
    run: openStream,
    document: {
      summary:
        "Upgrades the connection to a multiplexed stream of small operations, over WebSocket messages " +
        "(docs/internals/stream.md); browsers sign the query instead of headers",
      query: [
        {
          name: "nonce",
          description: "16 random bytes, in lower-case hex; new for each stream",
          required: true,
        },
      ],
      answer: { status: 101, description: "The connection is a WebSocket", kind: "none" },
    },
  },
];
