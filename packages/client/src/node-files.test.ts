import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { crc32 } from "node:zlib";
import { StoreError, utf8 } from "@holdfast/base";
import { nodeFiles } from "./node-files.ts";
import { lockFile } from "./node-path-lock.ts";

suite("local files", () => {
  let folder = "";
  let path = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "holdfast-files-"));
    path = join(folder, "file");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const content = { name: "b/k", etag: "e", bytes: 8, crc32: 1, pieceBytes: 4 };

  async function whole(chunks: AsyncIterable<Uint8Array>): Promise<string> {
    let text = "";
    for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    return text;
  }

  test("a source that is changed while it is read is refused before its last bytes are out", async () => {
    await writeFile(path, "x".repeat(600_000));
    const changes = [
      () => appendFile(path, "y"),
      () => utimes(path, 1, 1),
      () => rm(path).then(() => writeFile(path, "x".repeat(600_000))),
    ];
    for (const change of changes) {
      const file = await nodeFiles.open(path);
      assert.equal((await whole(file.read(10, 100_000))).length, 100_000);
      const reading = file.read(0, file.bytes)[Symbol.asyncIterator]();
      await reading.next();
      await change();
      const rest = whole({ [Symbol.asyncIterator]: () => reading });
      if (change === changes[2]) {
        // The open file is the old one, whole; who opens it again notices.
        await rest;
        await assert.rejects(whole(file.read(0, 1)), /changed while it was read/);
      } else await assert.rejects(rest, /changed while it was read/);
      await assert.rejects(file.load(0, 10), /changed while it was read/);
    }
  });

  test("a partial file is continued by who comes with the same content, and nobody else", async () => {
    const first = await nodeFiles.openPartial(path, content, true);
    await first.write(4, [utf8("56"), utf8("78")]);
    await first.note(1, crc32("5678"));
    await first.keep();
    const second = await nodeFiles.openPartial(path, content, true);
    assert.deepEqual([...second.pieces], [[1, crc32("5678")]]);
    assert.equal(await whole(second.read(4, 4)), "5678");
    await second.write(0, [utf8("1234")]);
    await second.keep();
    const other = await nodeFiles.openPartial(path, { ...content, etag: "f" }, true);
    assert.equal(other.pieces.size, 0);
    assert.equal(await whole(other.read(0, 8)), "\0".repeat(8));
    await other.write(0, [utf8("12345678")]);
    await other.finish({ mode: 0o600, modifiedAtSeconds: 5 });
    assert.equal(await readFile(path, "utf8"), "12345678");
    assert.deepEqual(await readdir(folder), ["file"]);
  });

  test("a description that was cut off at any byte gives no wrong piece", async () => {
    const partial = await nodeFiles.openPartial(path, content, true);
    await partial.note(0, 0xabc);
    await partial.note(1, 0xdef);
    await partial.keep();
    const description = join(folder, ".file.holdfast-partial.json");
    const text = await readFile(description, "utf8");
    for (let cut = text.length; cut >= 0; cut--) {
      await writeFile(description, text.slice(0, cut));
      const again = await nodeFiles.openPartial(path, content, true);
      for (const [piece, crc] of again.pieces) assert.equal(crc, [0xabc, 0xdef][piece]);
      await again.keep();
    }
  });

  test("two downloads to one path exclude each other, until the first has ended", async () => {
    const first = await nodeFiles.openPartial(path, content, true);
    const refused = nodeFiles.openPartial(path, content, true);
    await assert.rejects(refused, (error) => error instanceof StoreError && error.code === "InvalidRequest");
    await first.discard();
    assert.deepEqual(await readdir(folder), []);
    await (await nodeFiles.openPartial(path, content, true)).discard();
  });

  test("a lock file of a process that is gone is replaced, one of a process that runs is not", async () => {
    const lock = join(folder, "lock");
    await writeFile(lock, "999999999");
    const release = await lockFile(lock);
    assert.ok(release !== undefined);
    assert.equal(await lockFile(lock), undefined);
    await release();
    assert.deepEqual(await readdir(folder), []);
  });

  test("names as long as file systems allow are saved, in one stream and in pieces", async () => {
    const long = join(folder, "n".repeat(250));
    await nodeFiles.save(long, (async function* () {})(), { sync: true });
    const partial = await nodeFiles.openPartial(long, content, false);
    await partial.finish({});
    assert.equal((await readFile(long)).length, 8);
  });
});
