import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./failure.ts";
import { baseName, folderPrefix, parseBucket, parseFile, parseLocation, parseRemote } from "./location.ts";

test("location: hf:// names split at the first slash, and nothing is decoded", () => {
  assert.deepEqual(parseLocation("hf://b/a/b//c%2F?x"), { kind: "remote", bucket: "b", key: "a/b//c%2F?x" });
  assert.deepEqual(parseRemote("hf://b"), { kind: "remote", bucket: "b", key: "" });
  assert.deepEqual(parseRemote("hf://b/"), { kind: "remote", bucket: "b", key: "" });
  assert.deepEqual(parseRemote("hf://b//x"), { kind: "remote", bucket: "b", key: "/x" });
});

test("location: a dash is a stream, anything without a scheme is a local path", () => {
  assert.deepEqual(parseLocation("-"), { kind: "stream" });
  assert.deepEqual(parseLocation("./-"), { kind: "local", path: "./-" });
  assert.deepEqual(parseLocation("a:b/c"), { kind: "local", path: "a:b/c" });
});

test("location: mistyped schemes are refused instead of taken for local paths", () => {
  for (const text of ["s3://b/k", "hf:/b/k", "hf:b", "HTTP://x", "", "hf://", "hf:///k"]) {
    assert.throws(() => parseLocation(text), UsageError, text);
  }
});

test("location: a bucket is named without a key, a file with one", () => {
  assert.equal(parseBucket("hf://b/"), "b");
  assert.throws(() => parseBucket("hf://b/k"), UsageError);
  assert.equal(parseFile("hf://b/k").key, "k");
  assert.throws(() => parseFile("hf://b/"), UsageError);
});

test("location: a folder's prefix ends in one slash, a bucket's is empty", () => {
  assert.equal(folderPrefix(""), "");
  assert.equal(folderPrefix("a"), "a/");
  assert.equal(folderPrefix("a/"), "a/");
  assert.equal(baseName("a/b"), "b");
  assert.equal(baseName("a/"), "");
});
