import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./failure.ts";
import { defaultEndpoint, storeSettings } from "./settings.ts";

test("settings: without anything, the development store on this machine", () => {
  const settings = storeSettings(undefined, {});
  assert.deepEqual(settings.endpoints, [defaultEndpoint]);
  assert.equal(settings.accessKey, "holdfast");
});

test("settings: the flag wins over the environment; several endpoints are separated by commas", () => {
  const environment = { HOLDFAST_ENDPOINT: "http://a:1, http://b:2/," };
  assert.deepEqual(storeSettings(undefined, environment).endpoints, ["http://a:1", "http://b:2"]);
  assert.deepEqual(storeSettings("http://c:3", environment).endpoints, ["http://c:3"]);
});

test("settings: HOLDFAST keys win over AWS keys, which serve where those are missing", () => {
  const aws = { AWS_ACCESS_KEY_ID: "aws", AWS_SECRET_ACCESS_KEY: "aws-secret" };
  const own = { HOLDFAST_ACCESS_KEY: "own", HOLDFAST_SECRET_KEY: "own-secret" };
  assert.equal(storeSettings(undefined, { ...aws, ...own }).accessKey, "own");
  assert.equal(storeSettings(undefined, aws).secretKey, "aws-secret");
});

test("settings: one key of a pair is a mistake, not a reason to take the next pair", () => {
  assert.throws(() => storeSettings(undefined, { HOLDFAST_ACCESS_KEY: "own" }), UsageError);
});

test("settings: endpoints that are no HTTP addresses are refused, and so are keys inside of them", () => {
  for (const endpoint of ["127.0.0.1:9001", "ftp://x", "http://key:secret@x", ","]) {
    assert.throws(() => storeSettings(endpoint, {}), UsageError, endpoint);
  }
});
