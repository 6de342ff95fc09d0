import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Effect, RegisterOperation } from "./register.ts";
import { isExplainable } from "./register.ts";
import { secondOpinion } from "./second-opinion.ts";

const etagOf = (tag: string): string => `etag of ${tag}`;

function operation(effect: Effect, start: number, end: number, maybe: boolean = false): RegisterOperation {
  return { text: `${start}`, effect, start, end, maybe };
}

function put(tag: string | undefined, condition: object = {}, existed?: boolean): Effect {
  return { kind: "write", state: tag, condition, existed };
}

const create = { ifNoneMatchAny: true };
const refusedCreate: Effect = { kind: "refused", condition: create, code: "ConditionFailed" };
const onA = { ifMatch: "etag of a" };
const notOnA: Effect = { kind: "refused", condition: onA, code: "ConditionFailed" };
const goneForA: Effect = { kind: "refused", condition: onA, code: "FileNotFound" };

/** Histories with what both judges have to say. */
const cases: readonly (readonly [name: string, isFine: boolean, operations: readonly RegisterOperation[]])[] =
  [
    ["one of two creations wins", true, [operation(put("a", create), 1, 4), operation(refusedCreate, 2, 3)]],
    ["two creations win", false, [operation(put("a", create), 1, 4), operation(put("b", create), 2, 3)]],
    ["a creation is refused where nothing was", false, [operation(refusedCreate, 1, 2)]],
    [
      "a creation of unknown outcome explains a refusal",
      true,
      [operation(put("a", create), 1, 2, true), operation(refusedCreate, 3, 4)],
    ],
    [
      "two swaps of one version win",
      false,
      [operation(put("a"), 1, 2), operation(put("b", onA), 3, 6), operation(put("c", onA), 4, 5)],
    ],
    [
      "one of two swaps of a version wins",
      true,
      [operation(put("a"), 1, 2), operation(put("b", onA), 3, 6), operation(notOnA, 4, 5)],
    ],
    [
      "a swap is refused for want of a file that is there",
      false,
      [operation(put("a"), 1, 2), operation(goneForA, 3, 4)],
    ],
    [
      "two deletions found the file",
      false,
      [
        operation(put("a"), 1, 2),
        operation(put(undefined, {}, true), 3, 6),
        operation(put(undefined, {}, true), 4, 5),
      ],
    ],
    ["a deletion found nothing", true, [operation(put(undefined, {}, false), 1, 2)]],
    [
      "a listing shows an ETag that was overwritten",
      false,
      [
        operation(put("a"), 1, 2),
        operation(put("b"), 3, 4),
        operation({ kind: "readEtag", etag: "etag of a" }, 5, 6),
      ],
    ],
    ["any file will do", true, [operation(put("a"), 1, 2), operation(put("b", { ifMatch: "*" }), 3, 4)]],
    [
      "a stale read",
      false,
      [operation(put("a"), 1, 2), operation(put("b"), 3, 4), operation({ kind: "read", state: "a" }, 5, 6)],
    ],
  ];

describe("second opinion: both judges agree", () => {
  for (const [name, isFine, operations] of cases)
    it(name, () => {
      assert.equal(isExplainable(operations, undefined, etagOf), isFine);
      assert.equal(secondOpinion(operations, undefined, etagOf) === undefined, isFine);
    });

  it("on what a key was before", () => {
    const read = [operation({ kind: "read", state: "a" }, 1, 2)];
    assert.equal(secondOpinion(read, "a", etagOf), undefined);
    assert.notEqual(secondOpinion(read, "b", etagOf), undefined);
  });

  it("not where a copy that nobody saw leaves the ETag open", () => {
    const operations = [operation(put("a"), 1, 2, true), operation(put("b", { ifMatch: "any" }), 3, 4)];
    assert.equal(
      secondOpinion(operations, undefined, () => undefined),
      undefined,
    );
  });
});
