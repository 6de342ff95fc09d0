import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { StoreError } from "@holdfast/base";
import { Holdfast } from "./holdfast.ts";

suite("several nodes in one process", () => {
  test("what one node stored each of them reads; with one cut off the others go on, and it has all when healed", async () => {
    await using holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
    const stores = await Promise.all([0, 1, 2].map((node) => holdfast.connectTo(node)));
    const [first, second, third] = stores;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await first.createBucket("b-1");
    const large = new Uint8Array(3_000_000).map((_, i) => i * 31);
    await first.storeFile("b-1/large", large);
    for (const store of stores) assert.deepEqual(await (await store.readFile("b-1/large")).bytes(), large);
    await holdfast.partition([0], [1, 2]);
    await second.storeFile("b-1/during", "by the majority");
    assert.equal(await (await third.readFile("b-1/during")).text(), "by the majority");
    await holdfast.heal();
    assert.equal(await (await first.readFile("b-1/during")).text(), "by the majority");
    for (const store of stores) store.close();
  });

  test("a cut-off node answers nothing that it cannot know", async () => {
    await using holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
    await holdfast.store.createBucket("b-1");
    await holdfast.store.storeFile("b-1/a", "one");
    await holdfast.partition([2], [0, 1]);
    const majority = await holdfast.connectTo(0);
    await majority.storeFile("b-1/a", "two");
    const response = await fetch(`${holdfast.endpoints[2]}/readyz`);
    assert.equal(response.status, 503);
    const alone = await holdfast.connectTo(2);
    const reading = alone.readFile("b-1/a", { signal: AbortSignal.timeout(3000) });
    await assert.rejects(
      reading,
      (error: Error) => error.name === "TimeoutError" || error instanceof StoreError,
    );
    await holdfast.heal();
    assert.equal(await (await alone.readFile("b-1/a")).text(), "two");
    for (const store of [majority, alone]) store.close();
  });

  test("of conditional writes for one name through all nodes exactly one wins", async () => {
    await using holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
    await holdfast.store.createBucket("b-1");
    const stores = await Promise.all([0, 1, 2].map((node) => holdfast.connectTo(node)));
    for (let round = 0; round < 5; round++) {
      const tries = Array.from({ length: 32 }, async (_, i) => {
        const store = stores[i % 3] ?? holdfast.store;
        await store.storeFile(`b-1/r-${round}`, `of ${i}`, { ifNoneMatch: "*" });
        return `of ${i}`;
      });
      const settled = await Promise.allSettled(tries);
      const won = settled.filter((each) => each.status === "fulfilled");
      assert.equal(won.length, 1);
      for (const store of stores)
        assert.equal(await (await store.readFile(`b-1/r-${round}`)).text(), won[0]?.value);
    }
    for (const store of stores) store.close();
  });

  test("a killed node comes back on its data, and data outlive the process' store", async () => {
    const data = await mkdtemp(join(tmpdir(), "holdfast-nodes-"));
    try {
      await using holdfast = await Holdfast.start({ nodes: 3, data });
      await holdfast.store.createBucket("b-1");
      for (const victim of [0, 1, 2]) {
        await holdfast.kill(victim);
        await holdfast.store.storeFile(`b-1/without-${victim}`, "kept");
        await holdfast.restart(victim);
        await holdfast.heal();
        const back = await holdfast.connectTo(victim);
        assert.equal(await (await back.readFile(`b-1/without-${victim}`)).text(), "kept");
        back.close();
      }
      await holdfast.stop();
      await assert.rejects(Holdfast.start({ data }), /holds a store of 3 nodes, not of 1/);
      await using again = await Holdfast.start({ nodes: 3, data });
      assert.equal(await (await again.store.readFile("b-1/without-2")).text(), "kept");
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });
});
