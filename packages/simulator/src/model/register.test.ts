import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Condition, Effect, RegisterOperation, RegisterState } from "./register.ts";
import { isExplainable, noCondition } from "./register.ts";

const write = (state: RegisterState, condition: Condition = noCondition, existed?: boolean): Effect => ({
  kind: "write",
  state,
  condition,
  existed,
});
const read = (state: RegisterState): Effect => ({ kind: "read", state });

function operation(start: number, end: number, effect: Effect, maybe: boolean = false): RegisterOperation {
  return { text: "", effect, start, end, maybe };
}

function explained(operations: readonly RegisterOperation[], initial?: RegisterState): boolean {
  return isExplainable(operations, initial, (tag) => `etag of ${tag}`);
}

describe("one key as a register", () => {
  it("a read behind an acknowledged write shows it, or a later one", () => {
    assert.ok(explained([operation(1, 2, write("a")), operation(3, 4, read("a"))]));
    assert.ok(!explained([operation(1, 2, write("a")), operation(3, 4, read(undefined))]));
    const twice = [operation(1, 2, write("a")), operation(3, 4, write("b"))];
    assert.ok(!explained([...twice, operation(5, 6, read("a"))]));
  });

  it("of two writes at once either may be the last, but not one for this reader and the other for that", () => {
    const both = [operation(1, 4, write("a")), operation(2, 3, write("b"))];
    for (const last of ["a", "b"]) assert.ok(explained([...both, operation(5, 6, read(last))]));
    assert.ok(!explained([...both, operation(5, 6, read("a")), operation(7, 8, read("b"))]));
  });

  it("a write of unknown outcome may be there or not, and once seen it stays", () => {
    const unknown = operation(1, 5, write("a"), true);
    assert.ok(explained([unknown, operation(6, 7, read("a"))]));
    assert.ok(explained([unknown, operation(6, 7, read(undefined))]));
    assert.ok(!explained([unknown, operation(6, 7, read("a")), operation(8, 9, read(undefined))]));
  });

  it("a write of unknown outcome does not come to life after its end", () => {
    const unknown = operation(1, 5, write("a"), true);
    assert.ok(!explained([unknown, operation(6, 7, read(undefined)), operation(8, 9, read("a"))]));
    // Before its end, behind a read that does not show it yet: that is fine.
    assert.ok(explained([unknown, operation(2, 3, read(undefined)), operation(8, 9, read("a"))]));
  });

  it("an uncertain write that another one answers for counts, although reads around it show nothing of it", () => {
    const unknown = operation(1, 5, write("a"), true);
    const deleted = operation(2, 30, write(undefined, noCondition, true));
    assert.ok(explained([unknown, deleted, operation(20, 25, read(undefined))]));
    assert.ok(!explained([deleted, operation(20, 25, read(undefined))]));
  });

  it("of two creations at once one wins", () => {
    const create = { ifNoneMatchAny: true };
    const refused: Effect = { kind: "refused", condition: create, code: "ConditionFailed" };
    assert.ok(explained([operation(1, 4, write("a", create)), operation(2, 3, refused)]));
    assert.ok(!explained([operation(1, 4, write("a", create)), operation(2, 3, write("b", create))]));
    assert.ok(!explained([operation(1, 2, refused)]));
  });

  it("a swap succeeds only on the ETag it names, and is refused only on another", () => {
    const onA = { ifMatch: "etag of a" };
    const refused: Effect = { kind: "refused", condition: onA, code: "ConditionFailed" };
    assert.ok(explained([operation(1, 2, write("b", onA))], "a"));
    assert.ok(!explained([operation(1, 2, write("c", onA))], "b"));
    assert.ok(!explained([operation(1, 2, refused)], "a"));
    assert.ok(explained([operation(1, 2, { ...refused, code: "FileNotFound" })], undefined));
  });
});
