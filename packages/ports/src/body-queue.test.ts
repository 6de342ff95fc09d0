import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import { BodyQueue } from "./body-queue.ts";

function queue(): { queue: BodyQueue; calls: string[] } {
  const calls: string[] = [];
  const body = new BodyQueue({
    onTaken: () => calls.push(`taken, ${body.queuedBytes} left`),
    onGivenUp: () => calls.push("given up"),
  });
  return { queue: body, calls };
}

async function read(body: BodyQueue): Promise<string> {
  const { done, value } = await body.next();
  return done === true ? "end" : utf8Text(value);
}

suite("body queue", () => {
  test("chunks come out in order, whoever is first, reader or writer; then the end, again and again", async () => {
    const { queue: body, calls } = queue();
    const early = read(body);
    for (const text of ["a", "", "bc", "d"]) body.push(utf8(text));
    assert.equal(body.queuedBytes, 3);
    body.end();
    assert.equal(await early, "a");
    assert.deepEqual(
      [await read(body), await read(body), await read(body), await read(body)],
      ["bc", "d", "end", "end"],
    );
    assert.deepEqual(calls, ["taken, 0 left", "taken, 1 left", "taken, 0 left"]);
  });

  test("a failure drops what was not read and reaches a waiting reader; behind the end it is none", async () => {
    const { queue: body } = queue();
    const waiting = body.next();
    body.fail(new Error("first"));
    body.fail(new Error("second"));
    body.push(utf8("late"));
    await assert.rejects(waiting, /first/);
    await assert.rejects(body.next(), /first/);
    const { queue: full } = queue();
    full.push(utf8("x"));
    full.fail(new Error("cut"));
    assert.equal(full.queuedBytes, 0);
    await assert.rejects(full.next(), /cut/);
    const { queue: ended } = queue();
    ended.end();
    ended.fail(new Error("too late"));
    assert.equal(await read(ended), "end");
  });

  test("a reader that gives up says so once, even one that waits or never began", async () => {
    const { queue: body, calls } = queue();
    const waiting = read(body);
    await body.return();
    await body.return();
    body.push(utf8("nobody wants it"));
    assert.deepEqual([await waiting, await read(body), body.queuedBytes], ["end", "end", 0]);
    assert.deepEqual(calls, ["given up"]);
    const { queue: ended, calls: none } = queue();
    ended.end();
    await ended.return();
    assert.deepEqual(none, []);
  });
});
