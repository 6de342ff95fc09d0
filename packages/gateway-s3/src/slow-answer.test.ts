import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StoreError, utf8Text } from "@holdfast/base";
import type { StoredFile } from "@holdfast/node";
import type { Clock, HttpResponse } from "@holdfast/ports";
import { gatewayOver, nowMs, recordingFiles, signed, storedFile } from "./s3-fixture.test.ts";

/** Time that passes when the test says so. */
class ManualClock implements Clock {
  readonly #due: { readonly atMs: number; readonly action: () => void }[] = [];
  #nowMs = 0;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return nowMs;
  }

  after(ms: number, action: () => void): { readonly cancel: () => void } {
    const entry = { atMs: this.#nowMs + ms, action };
    this.#due.push(entry);
    return { cancel: () => void this.#due.splice(this.#due.indexOf(entry), 1) };
  }

  soon(action: () => void): void {
    queueMicrotask(action);
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    for (const entry of this.#due.filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.#due.splice(this.#due.indexOf(entry), 1);
      entry.action();
    }
  }
}

const copying = { method: "PUT", path: "/photos/b", headers: { "x-amz-copy-source": "photos/a" } };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function begun(): Promise<{
  readonly clock: ManualClock;
  readonly copied: PromiseWithResolvers<StoredFile>;
  readonly answer: Promise<HttpResponse>;
}> {
  const clock = new ManualClock();
  const copied = Promise.withResolvers<StoredFile>();
  const files = recordingFiles({ copyFile: () => copied.promise });
  const answer = gatewayOver(files, { clock })(signed(copying));
  await turn();
  return { clock, copied, answer };
}

function chunksOf(answer: HttpResponse): AsyncIterator<Uint8Array> {
  assert.ok(answer.body !== undefined && !(answer.body instanceof Uint8Array));
  return answer.body[Symbol.asyncIterator]();
}

describe("slow answers", () => {
  test("a copy that is done in time is answered with its own status", async () => {
    const { clock, copied, answer } = await begun();
    clock.pass(9_999);
    copied.reject(new StoreError("FileNotFound", "no"));
    assert.equal((await answer).status, 404);
  });

  test("a copy that takes longer is kept alive by white space, and its document comes last", async () => {
    const { clock, copied, answer } = await begun();
    clock.pass(10_000);
    const { status, headers, ...rest } = await answer;
    assert.deepEqual([status, headers["content-length"]], [200, undefined]);
    const chunks = chunksOf({ status, headers, ...rest });
    let text = utf8Text((await chunks.next()).value ?? new Uint8Array(0));
    for (let i = 0; i < 2; i++) {
      const next = chunks.next();
      await turn();
      clock.pass(5_000);
      text += utf8Text((await next).value ?? new Uint8Array(0));
    }
    copied.resolve(storedFile(4));
    text += utf8Text((await chunks.next()).value ?? new Uint8Array(0));
    assert.match(text, /^<\?xml[^>]*\?>\s+<CopyObjectResult .*<\/CopyObjectResult>$/s);
    assert.equal((await chunks.next()).done, true);
  });

  test("a copy that fails late says so in the document", async () => {
    const { clock, copied, answer } = await begun();
    clock.pass(10_000);
    const chunks = chunksOf(await answer);
    await chunks.next();
    copied.reject(new StoreError("OutOfSpace", "full"));
    const document = utf8Text((await chunks.next()).value ?? new Uint8Array(0));
    assert.match(document, /^<Error><Code>ServiceUnavailable<\/Code>/);
  });
});
