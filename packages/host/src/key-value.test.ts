import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import type { KeyValue, Mutation } from "@holdfast/ports";
import { keyValueContract } from "@holdfast/ports/contract";
import { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { openKeyValue } from "./key-value.ts";

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-kv.d-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function temporaryStore(context: TestContext): Promise<KeyValue> {
  // A dot in the name must not make it a file.
  const store = openKeyValue(join(await temporaryFolder(context), "state.kv"));
  context.after(() => store.close());
  return store;
}

keyValueContract("lmdb key-value store", temporaryStore);

test("through long random histories the real store equals the simulated one", async (t) => {
  const real = await temporaryStore(t);
  const simulated = new SimulatedKeyValue({ random: seededRandom(1) });
  const random = seededRandom(2);
  const anyKey = (): Uint8Array => {
    const key = random.bytes(1 + uniform(random, uniform(random, 20) === 0 ? 1900 : 3));
    return key.map((byte) => (byte < 128 ? byte & 3 : byte | 0xfc));
  };
  for (let round = 0; round < 150; round++) {
    const batch = Array.from({ length: uniform(random, 60) }, (): Mutation => {
      const value =
        uniform(random, 3) === 0
          ? undefined
          : random.bytes(uniform(random, uniform(random, 30) === 0 ? 9000 : 90));
      return { key: anyKey(), value };
    });
    await Promise.all([real.write(batch), simulated.write(batch)]);
    if (uniform(random, 10) === 0) await real.flush();
    const range = {
      from: uniform(random, 4) === 0 ? new Uint8Array(0) : anyKey(),
      to: uniform(random, 3) === 0 ? undefined : anyKey(),
      reverse: uniform(random, 2) === 0,
      ...(uniform(random, 2) === 0 ? { limit: uniform(random, 30) } : {}),
    };
    assert.deepEqual([...real.range(range)], [...simulated.range(range)]);
    const key = anyKey();
    assert.deepEqual(real.get(key), simulated.get(key));
  }
  const all = { from: new Uint8Array(0) };
  assert.deepEqual([...real.range(all)], [...simulated.range(all)]);
});

test("a store grows beyond the address space it began with", async (t) => {
  const store = openKeyValue(await temporaryFolder(t), { mapBytesInitial: 1024 * 1024 });
  t.after(() => store.close());
  const value = seededRandom(1).bytes(100_000);
  for (let i = 0; i < 100; i++) await store.write([{ key: utf8(`k${i}`), value }]);
  await store.flush();
  for (let i = 0; i < 100; i++) assert.deepEqual(store.get(utf8(`k${i}`)), value);
});

test("a snapshot survives that the store grows beyond its address space, several times, and writers pass it", async (t) => {
  const store = openKeyValue(await temporaryFolder(t), { mapBytesInitial: 1024 * 1024 });
  t.after(() => store.close());
  const valueOf = (seed: number): Uint8Array => seededRandom(seed).bytes(20_000);
  const keys = Array.from({ length: 40 }, (_, i) => utf8(`k${String(i).padStart(2, "0")}`));
  await store.write(keys.map((key, i) => ({ key, value: valueOf(i) })));
  const snapshot = store.openSnapshot();
  for (let round = 1; round <= 20; round++) {
    await store.write(keys.map((key, i) => ({ key, value: valueOf(1000 * round + i) })));
    if (round % 5 === 0) await store.flush();
    const shown = keys[round];
    if (shown === undefined) continue;
    const [pair] = snapshot.range({ from: shown, limit: 1 });
    assert.deepEqual(pair, { key: shown, value: valueOf(round) });
    assert.deepEqual(store.get(shown), valueOf(1000 * round + round));
  }
  const frozen = [...snapshot.range({ from: new Uint8Array(0) })];
  assert.deepEqual(
    frozen,
    keys.map((key, i) => ({ key, value: valueOf(i) })),
  );
  snapshot.close();
});

test("what was flushed is there after closing and opening again", async (t) => {
  const folder = await temporaryFolder(t);
  for (let round = 0; round < 3; round++) {
    const store = openKeyValue(folder);
    const before = store.get(utf8("round"));
    assert.equal(before === undefined ? 0 : Number(utf8Text(before)), round);
    await store.write([{ key: utf8("round"), value: utf8(`${round + 1}`) }]);
    await store.flush();
    await store.close();
  }
});

test("a killed process leaves whole batches, and every one that was visible", async (t) => {
  const folder = await temporaryFolder(t);
  const program = `
    import { openKeyValue } from ${JSON.stringify(new URL("./key-value.ts", import.meta.url).href)};
    const store = openKeyValue(${JSON.stringify(folder)});
    for (let i = 1; ; i++) {
      const value = Buffer.from(String(i));
      await store.write(Array.from({ length: 200 }, (_, k) => ({ key: Buffer.from("k" + k), value })));
      process.stdout.write(i + "\\n");
    }
  `;
  const child = spawn(
    process.execPath,
    ["--conditions=holdfast-source", "--input-type=module", "-e", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output.length > 100) child.kill("SIGKILL");
  });
  await ended;
  const visible = Number(output.trimEnd().split("\n").at(-2));
  const store = openKeyValue(folder);
  t.after(() => store.close());
  const rounds = new Set(
    Array.from(store.range({ from: utf8("k"), to: utf8("l") }), ({ value }) => utf8Text(value)),
  );
  assert.equal(rounds.size, 1);
  assert.ok(Number([...rounds][0]) >= visible, `${[...rounds].join()} left, ${visible} was visible`);
});

test("a commit that fails fails the write and all that follows, and nothing hangs", async (t) => {
  const folder = await temporaryFolder(t);
  const program = `
    import { openKeyValue } from ${JSON.stringify(new URL("./key-value.ts", import.meta.url).href)};
    const store = openKeyValue(${JSON.stringify(folder)});
    const key = Buffer.from("k");
    const said = [];
    const tell = (error) => said.push(error.kind);
    await store.write([{ key, value: Buffer.from("kept") }]);
    await store.flush();
    console.error = () => undefined;
    await store.write([{ key, value: Buffer.alloc(3_000_000) }]).catch(tell);
    await store.flush().catch(tell);
    await store.write([{ key, value: key }]).catch(tell);
    said.push(Buffer.from(store.get(key)).toString());
    await store.close();
    console.log(said.join());
  `;
  // No file may grow beyond 2 MiB: LMDB's write is cut short there.
  const limited = `ulimit -f 2048; exec "$0" "$@"`;
  const child = spawn(
    "bash",
    ["-c", limited, process.execPath, "--conditions=holdfast-source", "--input-type=module", "-e", program],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(output.trim(), "io,io,io,kept");
  assert.equal(code, 0);
});
