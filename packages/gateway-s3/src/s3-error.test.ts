import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCodes, StoreError } from "@holdfast/base";
import { CollectingJournal } from "@holdfast/ports/simulated";
import { errorAnswer, failureOf } from "./error-answer.ts";
import { httpStatus, S3Error, s3CodeOf, s3ErrorKinds } from "./s3-error.ts";
import { bodyText, gatewayOver, recordingFiles, signed } from "./s3-fixture.test.ts";

test("every error code of the registry has an S3 code, and that one a status and a message", () => {
  assert.deepEqual(Object.keys(s3CodeOf).sort(), [...errorCodes].sort());
  for (const code of errorCodes) {
    const kind = s3ErrorKinds[s3CodeOf[code]];
    assert.ok(
      kind.message.length > 0 && (kind.status === 304 || (kind.status >= 400 && kind.status < 600)),
      code,
    );
  }
});

test("what may be repeated is a server error, what may not is the client's", () => {
  for (const code of errorCodes) {
    const status = httpStatus(s3CodeOf[code]);
    const { retryable, outcome } = new StoreError(code, "");
    if (retryable) assert.ok(status >= 500 && status !== 501, code);
    if (status === 503) assert.equal(outcome, "not-applied", code);
  }
});

test("5xx answers say what became of the request; a 503 is only for what was not applied", () => {
  const answer = (error: unknown) => errorAnswer(failureOf(error), "/b/k", "r");
  const busy = answer(new StoreError("Overloaded", "Too much at once."));
  assert.deepEqual([busy.status, busy.headers["x-holdfast-outcome"]], [503, "not-applied"]);
  const lost = answer(new StoreError("Unavailable", "No answer.", { outcome: "unknown" }));
  assert.deepEqual([lost.status, lost.headers["x-holdfast-outcome"]], [500, "unknown"]);
  const bug = answer(new TypeError("secret detail"));
  assert.deepEqual([bug.status, bug.headers["x-holdfast-outcome"]], [500, "unknown"]);
  assert.equal(answer(new S3Error("NotImplemented")).headers["x-holdfast-outcome"], "not-applied");
  assert.equal(answer(new S3Error("NoSuchKey")).headers["x-holdfast-outcome"], undefined);
});

test("an error is XML with code, message, resource and request id, escaped", async () => {
  const error = new S3Error("InvalidArgument", "a<b", { ArgumentName: "n&m" });
  const text = await bodyText(errorAnswer(failureOf(error), "/b/<k>", "r1"));
  assert.equal(
    text,
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidArgument</Code><Message>a&lt;b</Message>' +
      "<ArgumentName>n&amp;m</ArgumentName><Resource>/b/&lt;k&gt;</Resource><RequestId>r1</RequestId>" +
      "<HostId>holdfast</HostId></Error>",
  );
});

test("a fault inside is told to the journal, not to the client", async () => {
  const journal = new CollectingJournal();
  const files = recordingFiles({ listBuckets: () => Promise.reject(new TypeError("the inside")) });
  const answer = await gatewayOver(files, { journal })(signed({ path: "/" }));
  assert.equal(answer.status, 500);
  assert.equal(answer.headers["x-amz-request-id"], "request-1");
  assert.doesNotMatch(await bodyText(answer), /inside/);
  assert.match(JSON.stringify(journal.lines), /TypeError: the inside/);
});
