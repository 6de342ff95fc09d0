import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { StoreError } from "@holdfast/base";
import type { FsckEvent, FsckOptions, Maintenance } from "@holdfast/node";
import { gatewayOver } from "./gateway-fixture.test.ts";

const counts = { files: 1, contents: 0, blocks: 0, bytes: 0 };
const progress: FsckEvent = { kind: "progress", stage: "files", ...counts, blocksStored: 0 };
const problem: FsckEvent = { kind: "problem", problem: "block-missing", message: "gone", files: ["b/k"] };
const zeros = { unreferencedBytes: 0, awaitingErasureBytes: 0, incompleteReplicas: 0 };
const summary: FsckEvent = { kind: "summary", clean: false, ...counts, problems: 1, ...zeros };

interface Checked {
  readonly maintenance: Partial<Maintenance>;
  readonly asked: FsckOptions[];
}

function checking(events: readonly FsckEvent[]): Checked {
  const asked: FsckOptions[] = [];
  async function* fsck(options: FsckOptions = {}): AsyncGenerator<FsckEvent, void, undefined> {
    asked.push(options);
    yield* events;
  }
  return { maintenance: { fsck }, asked };
}

suite("native API: maintenance", () => {
  test("fsck streams one event a line, and of many progress lines at once only the first", async () => {
    const { maintenance, asked } = checking([progress, progress, problem, summary]);
    const gateway = gatewayOver({}, true, { account: "root", maintenance });
    const answer = await gateway.send({ path: "/api/v1/fsck", query: "bucket=b&deep=true&prefix=a%2F" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/x-ndjson");
    const lines = answer.text.trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line): unknown => JSON.parse(line)),
      [progress, problem, summary],
    );
    const [options] = asked;
    assert.deepEqual([options?.deep, options?.within], [true, { bucket: "b", prefix: "a/" }]);
  });

  test("a check that cannot begin is refused with its own status", async () => {
    const next = (): Promise<never> => Promise.reject(new StoreError("BucketNotFound", "no such bucket"));
    const fsck = (): AsyncIterable<FsckEvent> => ({ [Symbol.asyncIterator]: () => ({ next }) });
    const gateway = gatewayOver({}, true, { account: "root", maintenance: { fsck } });
    const answer = await gateway.send({ path: "/api/v1/fsck", query: "bucket=b" });
    assert.deepEqual([answer.status, answer.code], [404, "BucketNotFound"]);
  });

  test("scrub begins at once and answers with how far it is", async () => {
    let begun = 0;
    const scrub = (): Promise<never> => {
      begun++;
      return Promise.reject(new StoreError("Stopped", "later"));
    };
    const gateway = gatewayOver({}, true, { account: "root", maintenance: { scrub } });
    assert.equal((await gateway.send({ method: "GET", path: "/api/v1/scrub" })).status, 200);
    assert.equal(begun, 0);
    assert.equal((await gateway.send({ method: "POST", path: "/api/v1/scrub" })).status, 202);
    assert.equal(begun, 1);
  });

  test("it asks for the root key, and for arguments that make sense", async () => {
    const { maintenance, asked } = checking([summary]);
    const others = gatewayOver({}, true, { maintenance });
    for (const [method, path] of [
      ["GET", "/api/v1/fsck"],
      ["GET", "/api/v1/scrub"],
      ["POST", "/api/v1/scrub"],
    ] as const)
      assert.equal((await others.send({ method, path })).code, "AccessDenied");
    const root = gatewayOver({}, true, { account: "root", maintenance });
    for (const query of ["deep=yes", "prefix=a"])
      assert.equal((await root.send({ path: "/api/v1/fsck", query })).code, "InvalidArgument");
    assert.deepEqual(asked, []);
  });
});
