/** One operation of the native API: what it does and how the OpenAPI document describes it, in one place. */

import type { ClusterView, Files, Maintenance, MemberChanges, NodeStatus } from "@holdfast/node";
import type { Clock, Hashing, HttpRequest, HttpResponse } from "@holdfast/ports";
import type { Caller } from "./authenticate.ts";
import type { Query } from "./query.ts";
import type { ServerFacts } from "./server-facts.ts";
import type { StreamOpener } from "./stream/stream-opener.ts";
import type { TokenIssuer } from "./token-issuer.ts";

export interface ApiContext {
  readonly files: Files;
  readonly maintenance: Maintenance;
  readonly cluster: ClusterView & MemberChanges;
  /** Undefined where the node listens for no others. */
  readonly tokens: TokenIssuer | undefined;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly status: () => Promise<NodeStatus>;
  readonly server: ServerFacts | undefined;
  readonly streams: StreamOpener;
}

/** A request whose sender is known. */
export interface ApiCall {
  readonly context: ApiContext;
  readonly request: HttpRequest;
  readonly caller: Caller;
  readonly query: Query;
  /** From the path, decoded; "" where the path has none. */
  readonly bucket: string;
  readonly key: string;
  readonly node: string;
}

export interface Operation {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** Behind `/api/v1`; `{bucket}` and `{node}` are one segment, `{key}` all the rest, slashes included. */
  readonly path: string;
  readonly operationId: string;
  readonly run: (call: ApiCall) => Promise<HttpResponse>;
  readonly document: OperationDocument;
}

export interface OperationDocument {
  readonly summary: string;
  readonly query?: readonly ParameterDocument[];
  readonly headers?: readonly ParameterDocument[];
  readonly body?: BodyDocument;
  readonly answer: AnswerDocument;
}

export interface ParameterDocument {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
}

export type BodyDocument =
  | { readonly kind: "bytes" }
  /** Name of a schema in schemas.ts. */
  | { readonly kind: "json"; readonly schema: string; readonly required: boolean };

export interface AnswerDocument {
  readonly status: number;
  readonly description: string;
  /** "lines" of JSON, each by itself. */
  readonly kind: "bytes" | "json" | "lines" | "none";
  readonly schema?: string;
}
