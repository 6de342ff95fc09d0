/** A disk with a quota: full and space back, in one process' life. `npm run bad-days -- disk-full` does it for real. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MiB, seededRandom } from "@holdfast/base";
import type { Disk, DiskFile } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { RealStore, temporaryFolder } from "./store/real-store.ts";
import { ask } from "./store/s3-request.ts";

/** Counts what files grow by, and refuses what does not fit; half of a write that does not fit is written, as disks do. */
class Quota {
  bytesMax = 2 ** 40;
  #used = 0;
  /** Up to where each file was written. */
  readonly #ends = new Map<string, number>();

  get freeBytes(): number {
    return Math.max(0, this.bytesMax - this.#used);
  }

  over(disk: Disk): Disk {
    return {
      memory: disk.memory,
      open: async (path, mode, options) => this.#file(await disk.open(path, mode, options)),
      list: (folder) => disk.list(folder),
      makeFolder: (folder) => disk.makeFolder(folder),
      rename: async (from, to) => {
        await disk.rename(from, to);
        this.#ends.set(to, this.#ends.get(from) ?? 0);
        this.#ends.delete(from);
      },
      remove: async (path) => {
        await disk.remove(path);
        this.#grow(path, 0);
      },
      syncDirectory: (folder) => disk.syncDirectory(folder),
      space: () => Promise.resolve({ freeBytes: this.freeBytes, totalBytes: this.bytesMax }),
      lock: () => disk.lock(),
    };
  }

  #file(file: DiskFile): DiskFile {
    return {
      path: file.path,
      read: (offset, length) => file.read(offset, length),
      readInto: (offset, target, pastCache) => file.readInto(offset, target, pastCache),
      write: async (offset, buffers) => {
        const end = offset + buffers.reduce((sum, { length }) => sum + length, 0);
        if (end - (this.#ends.get(file.path) ?? 0) > this.freeBytes) {
          await file.write(offset, buffers.slice(0, Math.ceil(buffers.length / 2)));
          throw new DiskError("no-space", file.path, "quota exceeded");
        }
        await file.write(offset, buffers);
        this.#grow(file.path, Math.max(end, this.#ends.get(file.path) ?? 0));
      },
      sync: () => file.sync(),
      size: () => file.size(),
      truncate: async (bytes) => {
        await file.truncate(bytes);
        this.#grow(file.path, bytes);
      },
      close: () => file.close(),
    };
  }

  #grow(path: string, end: number): void {
    this.#used += end - (this.#ends.get(path) ?? 0);
    this.#ends.set(path, end);
  }
}

const large = seededRandom(5).bytes(2 * MiB);

async function start(
  t: Parameters<typeof temporaryFolder>[0],
  quota: Quota,
  reserveBytes: number,
): Promise<RealStore> {
  const data = await temporaryFolder(t);
  const node = { reserveBytes, segmentBytes: MiB, volumeBytesMax: 8 * MiB };
  const store = await RealStore.start({ data, node, wrapDisk: (disk) => quota.over(disk) });
  t.after(() => store.stop());
  await ask(store.s3Port, { method: "PUT", path: "/bucket" });
  return store;
}

/** Stores until it is refused; gives the number of files that were taken. */
async function fill(store: RealStore): Promise<number> {
  for (let i = 0; ; i++) {
    const path = `/bucket/large-${i}`;
    const answer = await ask(store.s3Port, { method: "PUT", path, body: large });
    if (answer.status === 200) continue;
    assert.equal(`${answer.status} ${answer.code}`, "503 ServiceUnavailable", answer.text);
    assert.equal(answer.headers["x-holdfast-outcome"], "not-applied");
    assert.match(answer.text, /[Dd]elete files|[Ff]ree some space|add space/);
    assert.equal((await ask(store.s3Port, { method: "HEAD", path })).status, 404);
    return i;
  }
}

for (const [name, reserveBytes] of [
  ["with a reserve", 16 * MiB],
  ["without one, to the last byte", 0],
] as const) {
  test(`a disk that fills ${name} refuses writes alone, and takes them again when there is room`, async (t) => {
    const quota = new Quota();
    const store = await start(t, quota, reserveBytes);
    quota.bytesMax = quota.bytesMax - quota.freeBytes + reserveBytes + 30 * MiB;
    const count = await fill(store);
    assert.ok(count > 5, `${count} files`);
    const port = store.s3Port;
    for (let i = 0; i < count; i++)
      assert.ok(
        Buffer.from(large).equals(
          Buffer.from((await ask(port, { path: `/bucket/large-${i}` })).text, "latin1"),
        ),
      );
    const listed = await ask(port, { path: "/bucket", query: "list-type=2" });
    assert.match(listed.text, new RegExp(`<KeyCount>${count}</KeyCount>`));
    assert.equal((await ask(port, { method: "HEAD", path: "/bucket/large-0" })).status, 200);
    assert.equal((await ask(port, { method: "DELETE", path: "/bucket/large-0" })).status, 204);
    assert.equal((await ask(port, { path: "/bucket/large-0" })).status, 404);
    assert.equal((await fetch(`http://127.0.0.1:${store.httpPort}/readyz`)).status, 200);
    quota.bytesMax += 100 * MiB;
    const again = async (): Promise<number> =>
      (await ask(port, { method: "PUT", path: "/bucket/again", body: large })).status;
    const giveUpAtMs = performance.now() + 10_000;
    while ((await again()) !== 200) assert.ok(performance.now() < giveUpAtMs, "writes come back");
    assert.equal((await ask(port, { path: "/bucket/again" })).text.length, large.length);
  });
}
