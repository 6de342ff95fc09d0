import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { utf8 } from "@holdfast/base";
import { BodyPump } from "./body-pump.ts";
import { BodyQueue } from "./body-queue.ts";

const queue = (): BodyQueue => new BodyQueue({ onTaken: () => undefined, onGivenUp: () => undefined });

suite("body pump", () => {
  test("the next chunk is asked for when the last one was taken", async () => {
    let asked = 0;
    const taken: PromiseWithResolvers<void>[] = [];
    const pump = new BodyPump(
      (async function* () {
        for (; asked < 3; asked++) yield utf8("x");
      })(),
      () => {
        const each = Promise.withResolvers<void>();
        taken.push(each);
        return each.promise;
      },
    );
    const running = pump.run();
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(asked, i);
      taken[i]?.resolve();
    }
    assert.equal(await running, "ended");
  });

  test("stop lets go of a body that works on its next chunk, and hides how that ends", async () => {
    const body = queue();
    const pump = new BodyPump(body, () => undefined);
    const running = pump.run();
    pump.stop();
    assert.equal(await running, "stopped");
    const failure = Promise.withResolvers<IteratorResult<Uint8Array>>();
    const failing = new BodyPump(
      { [Symbol.asyncIterator]: () => ({ next: () => failure.promise }) },
      () => undefined,
    );
    const alsoRunning = failing.run();
    failing.stop();
    failure.reject(new Error("of no interest"));
    assert.equal(await alsoRunning, "stopped");
  });

  test("a body that fails makes it fail", async () => {
    const body = queue();
    body.fail(new Error("mine"));
    await assert.rejects(new BodyPump(body, () => undefined).run(), /mine/);
  });
});
