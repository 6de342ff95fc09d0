/**
 * Answers of work that may outlast the patience of clients and proxies: copies that read gigabytes. What is done within
 * a few seconds is answered as usual. After that the answer begins as 200, white space keeps the connection alive,
 * and the document says how it ended, be it with an error: as S3 does, and as SDKs expect of copies.
 */

import { assert, utf8 } from "@holdfast/base";
import type { Clock, HttpResponse } from "@holdfast/ports";
import { refusal } from "./error-answer.ts";
import type { S3Request } from "./s3-request.ts";
import { xmlDeclaration } from "./xml-writer.ts";

/** Clients that wait a minute for a first byte are the impatient ones. */
const patienceMs = 10_000;
const keepAliveMs = 5_000;

/** `work` answers in XML. */
export async function slowAnswer(request: S3Request, work: Promise<HttpResponse>): Promise<HttpResponse> {
  const { http, service } = request;
  const settled = work.catch((error: unknown) => refusal(http, error, service.journal));
  const early = await within(service.clock, patienceMs, settled);
  // In time it fails as every operation does: the request's own answer says and notes why.
  if (early !== undefined) return work;
  return {
    status: 200,
    headers: { "content-type": "application/xml" },
    body: keptAlive(service.clock, settled),
  };
}

async function* keptAlive(
  clock: Clock,
  settled: Promise<HttpResponse>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield utf8(xmlDeclaration);
  for (;;) {
    const answer = await within(clock, keepAliveMs, settled);
    if (answer === undefined) {
      yield utf8(" ");
      continue;
    }
    assert(answer.body instanceof Uint8Array, "a slow answer is a document");
    // Its declaration went out already.
    yield answer.body.subarray(utf8(xmlDeclaration).length);
    return;
  }
}

/** Undefined when it takes longer. */
function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(undefined));
    void work.then((result) => {
      timer.cancel();
      resolve(result);
    });
  });
}
