// The whole suite on one node of this process, and what must follow from it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { s3ErrorKinds } from "@holdfast/gateway-s3";
import { documentWithTables } from "./src/documentation.ts";
import { openEndpoint } from "./src/endpoint.ts";
import { operations } from "./src/operations.ts";
import { Target } from "./src/target.ts";

describe("s3 conformance", () => {
  let target: Target;
  before(async () => {
    target = await Target.open(await openEndpoint());
  });
  after(() => target.close());

  for (const { name, cases } of operations)
    describe(name, () => {
      for (const { claim, run } of cases) test(claim, () => run(target));
    });

  test("every error code that the gateway knows was provoked", () => {
    const missing = Object.keys(s3ErrorKinds).filter((code) => !target.seenCodes.has(code));
    assert.deepEqual(missing, []);
  });

  test("docs/s3.md says what the suite and the gateway say (npm run conformance -- --write-docs)", async () => {
    const { is, shouldBe } = await documentWithTables();
    assert.equal(is, shouldBe);
  });
});
