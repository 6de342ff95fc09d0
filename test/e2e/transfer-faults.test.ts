// Transfers over a network that cuts, delays and refuses: byte for byte equal, or a clear error and no wrong file.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Store } from "@holdfast/client";
import { connect, StoreError } from "@holdfast/client";
import { Holdfast } from "holdfast";
import { run, temporaryFolder } from "./cli-process.ts";
import { faultyProxy } from "./faulty-proxy.ts";

const MiB = 1024 * 1024;

/** No two places of it look alike. */
function content(bytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0, x = seed | 1; i < words.length; i++) {
    x = Math.imul(x ^ (x >>> 15), 0x2c1b_3c6d) + i;
    words[i] = x;
  }
  return Buffer.from(words.buffer, 0, bytes);
}

suite("transfers over a faulty network", () => {
  let holdfast: Holdfast;
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
    await holdfast.store.createBucket("bucket");
  });
  after(() => holdfast.stop());

  async function through(
    t: { after: (end: () => void) => void },
    seed: number,
    faults: { readonly faultsMax: number; readonly withinBytes: number },
  ): Promise<{ readonly store: Store; readonly faults: () => number }> {
    const proxy = await faultyProxy(t, { target: holdfast.endpoint, seed, faultyInTen: 7, ...faults });
    const { accessKey, secretKey } = holdfast;
    const store = await connect({ endpoint: proxy.endpoint, accessKey, secretKey });
    t.after(() => store.close());
    return { store, faults: () => proxy.faults };
  }

  test("a large file goes in by parts and comes back in pieces, whatever breaks", async (t) => {
    const folder = await temporaryFolder(t);
    const data = content(66 * MiB + 12_345, 2);
    await writeFile(join(folder, "in"), data);
    const { store, faults } = await through(t, 2, { faultsMax: 25, withinBytes: 4 * MiB });
    await store.storeFile("bucket/large", { path: join(folder, "in") });
    await store.downloadFile("bucket/large", { path: join(folder, "out") });
    assert.ok(faults() >= 5, `${faults()} faults`);
    assert.ok(data.equals(await readFile(join(folder, "out"))));
    assert.ok(data.equals(await (await store.readFile("bucket/large")).bytes()));
    assert.deepEqual((await readdir(folder)).sort(), ["in", "out"]);
  });

  test("small writes are equal, or an error whose outcome is true; conditional ones are applied once", async (t) => {
    let [stored, failed] = [0, 0];
    for (let seed = 1; seed <= 30; seed++) {
      const { store } = await through(t, 100 + seed, { faultsMax: 6, withinBytes: 256 * 1024 });
      const name = `bucket/small-${seed}`;
      const data = content(1 + seed * 7919, seed);
      const found = async (): Promise<Buffer | undefined> => {
        try {
          return Buffer.from(await (await holdfast.store.readFile(name)).bytes());
        } catch (error) {
          assert.ok(error instanceof StoreError && error.code === "FileNotFound");
          return undefined;
        }
      };
      try {
        await store.storeFile(name, data, seed % 2 === 0 ? { ifNoneMatch: "*" } : {});
        stored++;
        assert.ok(data.equals((await found()) ?? Buffer.alloc(0)), `seed ${seed}`);
      } catch (error) {
        failed++;
        assert.ok(error instanceof StoreError, String(error));
        const now = await found();
        if (error.outcome === "not-applied") assert.equal(now, undefined, `seed ${seed}: ${error.message}`);
        else assert.ok(now === undefined || data.equals(now));
      }
    }
    assert.ok(stored > 10, `${stored} stored, ${failed} failed`);
  });

  test("sync through it converges: what failed is said, and running it again finishes the work", async (t) => {
    const folder = await temporaryFolder(t);
    const tree = join(folder, "tree");
    for (let i = 0; i < 60; i++) {
      await mkdir(join(tree, `d${i % 7}`), { recursive: true });
      await writeFile(join(tree, `d${i % 7}/f${i}`), content((i * i * 331) % 900_000, i));
    }
    await holdfast.store.createBucket("tree");
    const proxy = await faultyProxy(t, {
      target: holdfast.endpoint,
      seed: 7,
      faultyInTen: 5,
      faultsMax: 60,
      withinBytes: 2 * MiB,
    });
    const back = join(folder, "back");
    for (const [source, target] of [
      [tree, "hf://tree/t/"],
      ["hf://tree/t/", back],
    ] as const) {
      for (let runs = 1; ; runs++) {
        const done = await run(["sync", "--delete", "--json", source, target], { endpoint: proxy.endpoint });
        if (done.code === 0) break;
        assert.match(done.stderr, /"code":"(?:Unavailable|OutcomeUnknown|Overloaded)"/);
        assert.ok(runs < 10, done.stderr);
      }
    }
    assert.ok(proxy.faults > 20, `${proxy.faults} faults`);
    for (const name of await readdir(tree, { recursive: true })) {
      if (!name.includes("/")) continue;
      assert.ok((await readFile(join(back, name))).equals(await readFile(join(tree, name))), name);
    }
    assert.equal(
      (await readdir(back, { recursive: true })).length,
      (await readdir(tree, { recursive: true })).length,
    );
  });

  test("a file that is overwritten while it is downloaded comes as the new one, never as a mixture", async (t) => {
    const folder = await temporaryFolder(t);
    const [old, young] = [content(72 * MiB, 3), content(36 * MiB, 4)];
    await holdfast.store.storeFile("bucket/changing", old);
    // Nothing passes while it happens: four pieces that are under way are of the old one, and the fifth is asked of the new one.
    let overwriting: Promise<unknown> | undefined;
    const onBytes = async (direction: string, bytes: number): Promise<void> => {
      if (direction === "up" || bytes < 12 * MiB) return;
      await (overwriting ??= holdfast.store.storeFile("bucket/changing", young));
    };
    const proxy = await faultyProxy(t, { target: holdfast.endpoint, onBytes });
    const { accessKey, secretKey } = holdfast;
    const store = await connect({ endpoint: proxy.endpoint, accessKey, secretKey });
    t.after(() => store.close());
    const path = join(folder, "out");
    const info = await store.downloadFile("bucket/changing", { path });
    assert.ok(overwriting !== undefined);
    assert.ok(young.equals(await readFile(path)));
    assert.equal(info.bytes, young.length);

    await holdfast.store.storeFile("bucket/changing", old);
    const { etag } = await store.statFile("bucket/changing");
    overwriting = undefined;
    await rm(path);
    const again = await faultyProxy(t, { target: holdfast.endpoint, onBytes });
    const pinned = await connect({ endpoint: again.endpoint, accessKey, secretKey });
    t.after(() => pinned.close());
    const refused = pinned.downloadFile("bucket/changing", { path }, { ifMatch: etag });
    await assert.rejects(refused, /replaced while it was read/);
    assert.deepEqual(await readdir(folder), []);
  });
});
