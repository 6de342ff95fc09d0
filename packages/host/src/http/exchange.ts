/** One request and its answer on one connection: from the parsed headers to the last byte of the answer. */

import type { ServerResponse } from "node:http";
import type { Awaitable } from "@holdfast/base";
import { andThen, utf8 } from "@holdfast/base";
import type { Clock, ExchangeObserver, HttpHandler, HttpResponse, Journal } from "@holdfast/ports";
import type { HttpLimits } from "./limits.ts";
import { smallBodyBytesMax } from "./limits.ts";
import type { IncomingRequest } from "./request.ts";
import type { Sent } from "./response.ts";
import { sendResponse } from "./response.ts";

export interface ExchangeContext {
  readonly handler: HttpHandler;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly observer: ExchangeObserver;
  /** While the listener closes, every answer is the last of its connection. */
  readonly isClosing: () => boolean;
}

export interface Exchange {
  readonly request: IncomingRequest;
  readonly to: ServerResponse;
  /** When its headers had come. */
  readonly begunAtMs: number;
}

/** Never rejects; resolves when the answer left or the connection broke. */
export async function runExchange(
  context: ExchangeContext,
  { request, to, begunAtMs }: Exchange,
): Promise<void> {
  context.observer.onBegin();
  let response: HttpResponse | undefined;
  let sent: Sent = { kind: "broken", bytes: 0, cause: undefined };
  try {
    response = await answerOf(context, request);
    if (response.upgrade !== undefined) response = notUpgraded;
    const sending = send(context, request, to, response);
    sent = sending instanceof Promise ? await sending : sending;
  } catch (cause) {
    // Headers that node refuses to write, for one. Nothing sensible can follow on this connection.
    context.journal.error("http.answer.failed", { requestId: request.requestId, message: String(cause) });
    to.socket?.destroy();
  }
  context.observer.onEnd({
    request,
    about: response?.about,
    status: response?.status ?? 500,
    receivedBytes: request.body.receivedBytes,
    sentBytes: sent.bytes,
    durationMs: context.clock.monotonicMs() - begunAtMs,
    isBroken: sent.kind === "broken",
  });
}

/** The handler would make more of the connection, but here it cannot be had: nothing was begun. */
const notUpgraded: HttpResponse = { status: 501, headers: {}, body: undefined };

/** Never rejects. */
export function answerOf(context: ExchangeContext, request: IncomingRequest): Promise<HttpResponse> {
  return context.handler(request).catch((cause: unknown) => {
    const { requestId, method } = request;
    context.journal.error("http.handler.failed", { requestId, method, message: String(cause) });
    const document = {
      code: "Internal",
      message: "The server failed; its log has more.",
      retryable: true,
      outcome: "unknown",
      fields: {},
      requestId,
    };
    return {
      status: 500,
      headers: { "content-type": "application/json", "x-amz-request-id": requestId },
      body: utf8(JSON.stringify(document)),
    };
  });
}

function send(
  context: ExchangeContext,
  request: IncomingRequest,
  to: ServerResponse,
  response: HttpResponse,
): Awaitable<Sent> {
  const { body } = request;
  if (to.destroyed) return abandon(response);
  // A body that was never asked for, or is long, is not worth draining for the sake of the connection.
  const bodyIsLeft = body.isWithheld || body.missingBytes > smallBodyBytesMax;
  const isLast = bodyIsLeft || body.hasFailed || context.isClosing();
  if (isLast) to.setHeader("connection", "close");
  const lingers = bodyIsLeft && !body.hasFailed;
  return andThen(sendResponse(to, response, lingers), (sent) => {
    body.release();
    if (sent.kind === "broken") {
      const message = String(sent.cause);
      context.journal.info("http.answer.broken", { requestId: request.requestId, message });
      return sent;
    }
    return andThen(lingers ? drainedOrLate(context, to) : undefined, () => {
      if (!to.writableEnded) to.end();
      return sent;
    });
  });
}

/** Nobody is left to read it: a streamed body gets to free what it holds. */
async function abandon(response: HttpResponse): Promise<Sent> {
  if (response.body !== undefined && !(response.body instanceof Uint8Array))
    await response.body[Symbol.asyncIterator]().return?.();
  return { kind: "broken", bytes: 0, cause: "the client went away" };
}

/**
 * The answer is out, the client may still be sending. Closing now would reset the connection, and the reset could overtake
 * the answer; so its bytes are read and dropped for a while.
 */
function drainedOrLate(context: ExchangeContext, to: ServerResponse): Promise<void> {
  const message = to.req;
  if (message.complete || message.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      message.removeListener("end", done);
      message.removeListener("close", done);
      resolve();
    };
    const timer = context.clock.after(context.limits.lingerMs, done);
    message.on("end", done);
    message.on("close", done);
  });
}
