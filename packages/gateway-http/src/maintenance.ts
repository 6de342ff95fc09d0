/** Checks of what is stored: for the operator, who holds the root key. */

import { StoreError, utf8 } from "@holdfast/base";
import type { FsckEvent } from "@holdfast/node";
import type { Clock, HttpResponse } from "@holdfast/ports";
import { jsonAnswer } from "./json.ts";
import type { ApiCall, Operation } from "./operation.ts";
import { requireRoot } from "./require-root.ts";

/** Between two lines that say how far a check is. */
const progressIntervalMs = 250;

async function fsck(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  const { context, query, request } = call;
  const deep = flag(query.text("deep"), "deep");
  const bucket = query.text("bucket");
  const prefix = query.text("prefix");
  if (bucket === undefined && prefix !== undefined)
    throw new StoreError("InvalidArgument", "A prefix is one of a bucket: name the bucket too.");
  const within = bucket === undefined ? undefined : { bucket, prefix: prefix ?? "" };
  const events = context.maintenance.fsck({ deep, within, signal: request.signal })[Symbol.asyncIterator]();
  // The first one now: what cannot begin is refused with a status of its own.
  const first = await events.next();
  const body = lines(eventsFrom(first, events), context.clock);
  return { status: 200, headers: { "content-type": "application/x-ndjson" }, body };
}

async function* eventsFrom(
  first: IteratorResult<FsckEvent>,
  rest: AsyncIterator<FsckEvent>,
): AsyncGenerator<FsckEvent, void, undefined> {
  try {
    for (let event = first; event.done !== true; event = await rest.next()) yield event.value;
  } finally {
    await rest.return?.();
  }
}

async function* lines(
  events: AsyncIterable<FsckEvent>,
  clock: Clock,
): AsyncGenerator<Uint8Array, void, undefined> {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  for await (const event of events) {
    if (event.kind === "progress") {
      if (clock.monotonicMs() - saidAtMs < progressIntervalMs) continue;
      saidAtMs = clock.monotonicMs();
    }
    yield utf8(`${JSON.stringify(event)}\n`);
  }
}

async function startScrub(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  // How it ends is asked for with showScrub; a node that stops meanwhile takes it up again later.
  call.context.maintenance.scrub().catch(() => undefined);
  return jsonAnswer(202, (await call.context.status()).scrub);
}

async function showScrub(call: ApiCall): Promise<HttpResponse> {
  requireRoot(call);
  return jsonAnswer(200, (await call.context.status()).scrub);
}

function flag(value: string | undefined, name: string): boolean {
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw new StoreError("InvalidArgument", `The parameter ${name} is true or false.`, { fields: { name } });
}

export const maintenanceOperations: readonly Operation[] = [
  {
    method: "GET",
    path: "/fsck",
    operationId: "fsck",
    run: fsck,
    document: {
      summary: "Checks what this node stores, reading only (root key): one event a line, the summary last",
      query: [
        { name: "deep", description: "true: reads every byte" },
        { name: "bucket", description: "Only files of this bucket, and what they name" },
        { name: "prefix", description: "Only files whose keys begin so" },
      ],
      answer: { status: 200, description: "Findings and progress", kind: "lines", schema: "FsckEvent" },
    },
  },
  {
    method: "POST",
    path: "/scrub",
    operationId: "startScrub",
    run: startScrub,
    document: {
      summary: "Reads everything stored again, from now on and at full speed (root key)",
      answer: { status: 202, description: "It began", kind: "json", schema: "Scrub" },
    },
  },
  {
    method: "GET",
    path: "/scrub",
    operationId: "showScrub",
    run: showScrub,
    document: {
      summary: "How far the scrub is, and what the last one found (root key)",
      answer: { status: 200, description: "The scrub", kind: "json", schema: "Scrub" },
    },
  },
];
