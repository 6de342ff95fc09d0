import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, encode, epoch, nodeId, utf8 } from "@holdfast/base";
import type { Exchange } from "@holdfast/ports";
import { emptyBody } from "@holdfast/ports";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import type { BlockResult } from "./block-wire.ts";
import { blockAnswerCodec } from "./block-wire.ts";
import type { RemoteBlocks } from "./remote-blocks.ts";

const b = nodeId("b");
const block = blockOf(1);
const body = bodyOf(block, 5000);
const checksum = crc32(body);
const end = { deadlineMs: 1000 };

function answer(result: BlockResult, chunks?: AsyncIterable<Uint8Array>, number = 3): Exchange {
  const standing = { epoch: epoch(number), incarnation: new Uint8Array(16) };
  return { head: encode(blockAnswerCodec, { standing, result }), body: chunks ?? emptyBody };
}

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** Node b answers everything with this. */
async function answering(make: () => Exchange): Promise<readonly [ReplicatedCluster, RemoteBlocks]> {
  const cluster = await ReplicatedCluster.start("ab");
  cluster.onExchange = () => Promise.resolve(make());
  return [cluster, cluster.node("a").remote];
}

const putUnder = { id: block, checksum, epoch: epoch(3) };
const invalid = { kind: "silent", reason: "invalid" };

describe("a remote slot's answer is not believed", () => {
  test("when it is malformed, or answers another question", async () => {
    const garbled = (): Exchange => ({ head: utf8("200 OK"), body: emptyBody });
    const answers: readonly (() => Exchange)[] = [
      garbled,
      () => answer({ kind: "block", bytes: 1, checksum: 0 }, chunksOf(new Uint8Array(1))),
      () => answer({ kind: "stored" }, chunksOf(new Uint8Array(1))),
      () => answer({ kind: "refused", reason: "busy" }, chunksOf(new Uint8Array(1))),
      () => answer({ kind: "stats", stats: [] }),
    ];
    for (const make of answers) {
      const [cluster, remote] = await answering(make);
      assert.deepEqual(await cluster.run(remote.put(b, putUnder, body, end)), invalid);
    }
    const [cluster, remote] = await answering(() => answer({ kind: "stats", stats: [] }));
    const asked = { ids: [block], epoch: epoch(3) };
    assert.deepEqual(await cluster.run(remote.stat(b, asked, end)), invalid);
  });

  test("when it says it was done under a lower epoch than was asked", async () => {
    const [cluster, remote] = await answering(() => answer({ kind: "stored" }, emptyBody, 2));
    assert.deepEqual(await cluster.run(remote.put(b, putUnder, body, end)), invalid);
    const [again, other] = await answering(() => answer({ kind: "stored" }));
    assert.equal((await again.run(other.put(b, putUnder, body, end))).kind, "done");
  });

  test("when a body is longer or shorter than said, or not of its checksum", async () => {
    const said = { kind: "block", bytes: body.length, checksum } as const;
    const wrong = body.slice();
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    const bodies = [
      () => chunksOf(wrong),
      () => chunksOf(body.subarray(1)),
      () => chunksOf(body, new Uint8Array(1)),
      () =>
        (async function* endless() {
          for (;;) yield new Uint8Array(100_000);
        })(),
    ];
    for (const make of bodies) {
      const [cluster, remote] = await answering(() => answer(said, make()));
      const read = remote.read(b, { id: block, epoch: epoch(3) }, end);
      assert.deepEqual(await cluster.run(read), invalid);
    }
  });

  test("when a page brings no progress, or more than was asked for", async () => {
    const stat = { state: "absent", bytes: 0, checksum: 0 } as const;
    const pages: readonly BlockResult[] = [
      { kind: "page", blocks: [], isLast: false },
      { kind: "page", blocks: [1, 2].map((i) => ({ id: blockOf(i), stat })), isLast: true },
    ];
    for (const page of pages) {
      const [cluster, remote] = await answering(() => answer(page));
      const asked = { after: undefined, limit: 1, epoch: epoch(3) };
      assert.deepEqual(await cluster.run(remote.list(b, asked, end)), invalid);
    }
  });
});

describe("a remote slot's silence", () => {
  test("is told apart: not there, broken, too late, given up", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const { remote } = cluster.node("a");
    const silent = (reason: string) => ({ kind: "silent", reason });
    cluster.onExchange = () => Promise.reject(new Error("a bad day"));
    assert.deepEqual(await cluster.run(remote.put(b, putUnder, body, end)), silent("broken"));
    cluster.onExchange = () => new Promise(() => undefined);
    const begunAtMs = cluster.simulation.nowMs;
    assert.deepEqual(await cluster.run(remote.put(b, putUnder, body, end)), silent("timeout"));
    assert.equal(cluster.simulation.nowMs - begunAtMs, end.deadlineMs);
    const controller = new AbortController();
    const givenUp = remote.put(b, putUnder, body, { ...end, signal: controller.signal });
    cluster.simulation.after(10, () => controller.abort());
    assert.deepEqual(await cluster.run(givenUp), silent("given-up"));
    const before = remote.put(b, putUnder, body, { ...end, signal: controller.signal });
    assert.deepEqual(await cluster.run(before), silent("given-up"));
    cluster.crash("b", "kill");
    assert.deepEqual(await cluster.run(remote.put(b, putUnder, body, end)), silent("unreachable"));
  });

  test("includes a body that does not come to its end in time", async () => {
    const hanging = (async function* () {
      yield body.subarray(0, 10);
      await new Promise(() => undefined);
    })();
    const [cluster, remote] = await answering(() =>
      answer({ kind: "block", bytes: body.length, checksum }, hanging),
    );
    const read = await cluster.run(remote.read(b, { id: block, epoch: epoch(3) }, end));
    assert.deepEqual(read, { kind: "silent", reason: "timeout" });
  });
});
