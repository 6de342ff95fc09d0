/** One request in the shape that gateways know, over node's own. */

import type { IncomingMessage } from "node:http";
import type { HttpRequest } from "@holdfast/ports";
import type { RequestBody } from "./request-body.ts";

export class IncomingRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: RequestBody;
  readonly requestId: string;
  readonly #message: IncomingMessage;
  /** Made when somebody asks for it: most requests end before anybody does. */
  #controller: AbortController | undefined;
  #clientIsGone = false;

  constructor(message: IncomingMessage, body: RequestBody, requestId: string) {
    const target = originForm(message.url ?? "/");
    const mark = target.indexOf("?");
    this.method = message.method ?? "GET";
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
    this.headers = joinedHeaders(message);
    this.body = body;
    this.requestId = requestId;
    this.#message = message;
  }

  get remoteAddress(): string {
    return this.#message.socket.remoteAddress ?? "";
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#clientIsGone) this.#controller.abort();
    return this.#controller.signal;
  }

  throwIfAborted(): void {
    if (this.#clientIsGone) this.signal.throwIfAborted();
  }

  onClientGone(): void {
    this.#clientIsGone = true;
    this.#controller?.abort();
  }
}

/** Clients of proxies send `GET http://host/path`; RFC 9112 section 3.2.2 asks every server to take it. */
function originForm(target: string): string {
  if (target.startsWith("/")) return target;
  const authority = /^https?:\/\/[^/?]*/i.exec(target)?.[0];
  if (authority === undefined) return target;
  const rest = target.slice(authority.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** The listener joins repeated headers itself, all but the one that node always keeps as a list. */
function joinedHeaders(message: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const headers: NodeJS.Dict<string | string[]> = message.headers;
  if (isJoined(headers)) return headers;
  const joined: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(headers))
    joined[name] = Array.isArray(value) ? value.join(", ") : value;
  return joined;
}

function isJoined(headers: NodeJS.Dict<string | string[]>): headers is NodeJS.Dict<string> {
  return headers["set-cookie"] === undefined;
}
