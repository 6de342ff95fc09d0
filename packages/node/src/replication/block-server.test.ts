import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlockId, NodeId } from "@holdfast/base";
import { crc32, decode, encode, epoch, nodeId, utf8 } from "@holdfast/base";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { blockOf, bodyOf, ReplicatedCluster } from "../../test-support/replicated-cluster.ts";
import type { BlockRequest, BlockResult } from "./block-wire.ts";
import { blockAnswerCodec, blockRequestCodec } from "./block-wire.ts";

const b = nodeId("b");
const block = blockOf(1);
const body = bodyOf(block, 5000);
const checksum = crc32(body);
const end = { deadlineMs: 60_000 };

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** Asks node b from node a, as whoever speaks the protocol may. */
async function ask(
  cluster: ReplicatedCluster,
  request: BlockRequest | Uint8Array,
  chunks: AsyncIterable<Uint8Array> = emptyBody,
): Promise<BlockResult> {
  const head = request instanceof Uint8Array ? request : encode(blockRequestCodec, request);
  const answer = await cluster.node("a").network.exchange(b, { head, body: chunks });
  for await (const _ of answer.body);
  return decode(blockAnswerCodec, answer.head).result;
}

function put(cluster: ReplicatedCluster, id: BlockId, of = bodyOf(id), to: NodeId = b) {
  const asked = { id, checksum: crc32(of), epoch: epoch(1) };
  return cluster.node("a").remote.put(to, asked, of, end);
}

describe("a block server", () => {
  test("acknowledges what is durable", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    assert.equal((await cluster.run(put(cluster, block))).kind, "done");
    cluster.crash("b", "power-loss");
    await cluster.start(b);
    assert.equal(cluster.holders(block), "b");
  });

  test("a body that is longer, shorter or another is not stored", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const asked = { kind: "put", id: block, bytes: body.length, checksum, epoch: epoch(1) } as const;
    const other = body.slice();
    other[7] = (other[7] ?? 0) ^ 1;
    const bodies = [[], [body.subarray(1)], [body, Uint8Array.of(0)], [other], [body, body, body]];
    for (const chunks of bodies)
      assert.deepEqual(await cluster.run(ask(cluster, asked, chunksOf(...chunks))), {
        kind: "refused",
        reason: "mismatch",
      });
    // Memory that was never written to is zeros as well.
    const zeros = new Uint8Array(5000);
    const cut = ask(cluster, { ...asked, checksum: crc32(zeros) }, chunksOf(zeros.subarray(1)));
    assert.deepEqual(await cluster.run(cut), { kind: "refused", reason: "mismatch" });
    assert.equal(cluster.holders(block), "");
    assert.equal(cluster.node("b").server.heldBytes, 0);
    const pieces = chunksOf(body.subarray(0, 1), body.subarray(1, 100), body.subarray(100));
    assert.deepEqual(await cluster.run(ask(cluster, asked, pieces)), { kind: "stored" });
  });

  test("a body that breaks off is not stored, and its room is given back", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const asked = { kind: "put", id: block, bytes: body.length, checksum, epoch: epoch(1) } as const;
    const broken = (async function* () {
      yield body.subarray(0, 100);
      throw new Error("the sender has gone");
    })();
    await assert.rejects(cluster.run(ask(cluster, asked, broken)), NetworkError);
    await cluster.simulation.runFor(100);
    assert.equal(cluster.holders(block), "");
    assert.equal(cluster.node("b").server.heldBytes, 0);
  });

  test("what it does not know is refused as such: malformed, of another kind, of a newer version", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const read = encode(blockRequestCodec, { kind: "read", id: block, epoch: epoch(1) });
    const heads = [
      new Uint8Array(0),
      utf8("GET / HTTP/1.1"),
      read.slice(0, 10),
      Uint8Array.of(1, 77, ...read.subarray(2)),
      Uint8Array.of(2, ...read.subarray(1)),
    ];
    for (const head of heads)
      assert.deepEqual(await cluster.run(ask(cluster, head)), { kind: "refused", reason: "not-understood" });
  });

  test("says what it holds, and gives it", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const large = bodyOf(blockOf(2), 400_000);
    await cluster.run(put(cluster, block, body));
    await cluster.run(put(cluster, blockOf(2), large));
    const { remote } = cluster.node("a");
    const ids = [block, blockOf(3), blockOf(2)];
    const stats = await cluster.run(remote.stat(b, { ids, epoch: epoch(1) }, end));
    assert.ok(stats.kind === "done");
    assert.deepEqual(stats.standing, { epoch: 1, incarnation: cluster.node("b").store.incarnation });
    assert.deepEqual(stats.value, [
      { state: "whole", bytes: 5000, checksum },
      { state: "absent", bytes: 0, checksum: 0 },
      { state: "whole", bytes: 400_000, checksum: crc32(large) },
    ]);
    for (const [id, of] of [
      [block, body],
      [blockOf(2), large],
    ] as const) {
      const read = await cluster.run(remote.read(b, { id, epoch: epoch(1) }, end));
      assert.ok(read.kind === "done");
      assert.deepEqual(read.value, { body: of, checksum: crc32(of) });
    }
    const missing = await cluster.run(remote.read(b, { id: blockOf(3), epoch: epoch(1) }, end));
    assert.partialDeepStrictEqual(missing, { kind: "refused", reason: "missing" });
    await cluster.rot("b", body);
    for (let i = 0; i < 2; i++) {
      const corrupt = await cluster.run(remote.read(b, { id: block, epoch: epoch(1) }, end));
      assert.partialDeepStrictEqual(corrupt, { kind: "refused", reason: "corrupt" });
    }
    assert.equal(cluster.node("b").server.heldBytes, 0);
  });

  test("lists all blocks in the order of their keys, in pages of any size", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const ids = [1, 2, 3, 70, 300].flatMap((content) =>
      Array.from({ length: content % 7 }, (_, sequence) => blockOf(content, sequence)),
    );
    for (const id of ids) await cluster.run(put(cluster, id));
    for (const limit of [1, 2, 5, 1000]) {
      const listed: BlockId[] = [];
      for (let isLast = false; !isLast; ) {
        const asked = { after: listed.at(-1), limit, epoch: epoch(1) };
        const page = await cluster.run(cluster.node("a").remote.list(b, asked, end));
        assert.ok(page.kind === "done" && page.value.blocks.length <= limit);
        for (const { id, stat } of page.value.blocks) {
          listed.push(id);
          const of = bodyOf(id);
          assert.deepEqual(stat, { state: "whole", bytes: of.length, checksum: crc32(of) });
        }
        isLast = page.value.isLast;
      }
      assert.deepEqual(listed, ids);
    }
  });

  test("lists more contents than one look takes", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const ids = Array.from({ length: 150 }, (_, i) => blockOf(i));
    await cluster.run(Promise.all(ids.map((id) => cluster.node("b").store.put(id, body, checksum))));
    const asked = { after: undefined, limit: 1000, epoch: epoch(1) };
    const page = await cluster.run(cluster.node("a").remote.list(b, asked, end));
    assert.ok(page.kind === "done");
    assert.deepEqual(
      page.value.blocks.map(({ id }) => id),
      ids,
    );
    assert.equal(page.value.isLast, true);
  });
});

describe("a block server's bounds", () => {
  test("a slow disk leaves puts unread, and tells those that are too many that it is busy", async () => {
    const limits = { servedPutBytesMax: 30_000, waitingMax: 5 };
    const cluster = await ReplicatedCluster.start("ab", { limits });
    cluster.disk("b").slowness = 1000;
    const ids = Array.from({ length: 20 }, (_, i) => blockOf(i));
    let heldBytesMost = 0;
    const puts = ids.map((id) => put(cluster, id, bodyOf(id, 10_000)));
    const all = Promise.all(puts);
    let isOver = false;
    void all.then(() => {
      isOver = true;
    });
    while (!isOver && (await cluster.simulation.step()))
      heldBytesMost = Math.max(heldBytesMost, cluster.node("b").server.heldBytes);
    const answers = await cluster.run(all);
    assert.equal(heldBytesMost, 30_000);
    const stored = answers.filter(({ kind }) => kind === "done").length;
    const busy = answers.filter((answer) => answer.kind === "refused" && answer.reason === "busy").length;
    assert.deepEqual([stored, busy], [8, 12]);
    assert.equal(cluster.node("b").server.heldBytes, 0);
  });

  test("a sender that trickles, and a reader that does not read, give their room back in time", async () => {
    const cluster = await ReplicatedCluster.start("ab", { limits: { servedBodyMsMax: 5000 } });
    const large = bodyOf(block, 2_000_000);
    await cluster.run(put(cluster, block, large));
    const { server } = cluster.node("b");
    const reading = cluster.node("a").network.exchange(b, {
      head: encode(blockRequestCodec, { kind: "read", id: block, epoch: epoch(1) }),
      body: emptyBody,
    });
    const unread = (await cluster.run(reading)).body;
    const hanging = (async function* () {
      yield body.subarray(0, 100);
      await new Promise(() => undefined);
    })();
    const asked = { kind: "put", id: blockOf(2), bytes: body.length, checksum, epoch: epoch(1) } as const;
    const trickling = ask(cluster, asked, hanging);
    trickling.catch(() => undefined);
    await cluster.simulation.runFor(4000);
    assert.equal(server.heldBytes, large.length + body.length);
    await cluster.simulation.runFor(2000);
    assert.equal(server.heldBytes, 0);
    await assert.rejects(cluster.run(trickling), NetworkError);
    const toTheEnd = (async () => {
      for await (const _ of unread);
    })();
    await assert.rejects(cluster.run(toTheEnd), NetworkError);
    assert.equal(cluster.holders(blockOf(2)), "");
  });

  test("a reader that goes away gives its room back at once", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    await cluster.run(put(cluster, block, bodyOf(block, 2_000_000)));
    const controller = new AbortController();
    const head = encode(blockRequestCodec, { kind: "read", id: block, epoch: epoch(1) });
    const { network } = cluster.node("a");
    await cluster.run(network.exchange(b, { head, body: emptyBody }, controller.signal));
    assert.equal(cluster.node("b").server.heldBytes, 2_000_000);
    controller.abort();
    await cluster.simulation.runFor(10);
    assert.equal(cluster.node("b").server.heldBytes, 0);
  });
});

test("a reader that goes away while its block is read leaves nothing behind", async () => {
  const cluster = await ReplicatedCluster.start("ab");
  await cluster.run(put(cluster, block, body));
  cluster.disk("b").slowness = 100;
  const controller = new AbortController();
  const head = encode(blockRequestCodec, { kind: "read", id: block, epoch: epoch(1) });
  const { server } = cluster.node("b");
  const answer = server.onExchange({ head, body: emptyBody }, controller.signal);
  await cluster.simulation.runFor(1);
  assert.equal(server.heldBytes, body.length);
  controller.abort();
  await cluster.run(answer);
  assert.equal(server.heldBytes, 0);
});

describe("a block server's epoch (S3)", () => {
  const under = (number: number) => ({ id: block, checksum, epoch: epoch(number) });

  test("a put, a question and a list of a lower one are refused; not a byte of the body is asked for", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const { remote } = cluster.node("a");
    await cluster.run(remote.stat(b, { ids: [], epoch: epoch(7) }, end));
    let asked = 0;
    const counted = (async function* () {
      asked++;
      yield body;
    })();
    const request = { kind: "put", ...under(6), bytes: body.length } as const;
    const stale = { kind: "refused", reason: "stale-epoch" };
    const head = encode(blockRequestCodec, request);
    // Without a network, which reads ahead.
    const answer = cluster.node("b").server.onExchange({ head, body: counted }, new AbortController().signal);
    assert.deepEqual(decode(blockAnswerCodec, (await cluster.run(answer)).head).result, stale);
    assert.equal(asked, 0);
    for (const refused of [
      await cluster.run(remote.put(b, under(6), body, end)),
      await cluster.run(remote.stat(b, { ids: [block], epoch: epoch(6) }, end)),
      await cluster.run(remote.list(b, { after: undefined, limit: 1, epoch: epoch(6) }, end)),
    ])
      assert.partialDeepStrictEqual(refused, { ...stale, standing: { epoch: 7 } });
    assert.equal(cluster.holders(block), "");
    assert.equal((await cluster.run(remote.put(b, under(7), body, end))).kind, "done");
  });

  test("a read of a lower one is served, and told of the newer", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const { remote } = cluster.node("a");
    await cluster.run(remote.put(b, under(7), body, end));
    const read = await cluster.run(remote.read(b, { id: block, epoch: epoch(1) }, end));
    assert.ok(read.kind === "done");
    assert.equal(read.standing.epoch, 7);
    assert.deepEqual(read.value.body, body);
  });

  test("a put that was let in before is refused when the epoch rises while its body comes", async () => {
    const cluster = await ReplicatedCluster.start("ab");
    const { remote } = cluster.node("a");
    const arrival = Promise.withResolvers<void>();
    const late = (async function* () {
      yield body.subarray(0, 100);
      await arrival.promise;
      yield body.subarray(100);
    })();
    const request = { kind: "put", ...under(1), bytes: body.length } as const;
    const answer = ask(cluster, request, late);
    await cluster.simulation.runFor(10);
    const listed = await cluster.run(remote.list(b, { after: undefined, limit: 10, epoch: epoch(2) }, end));
    assert.ok(listed.kind === "done" && listed.value.blocks.length === 0);
    arrival.resolve();
    assert.deepEqual(await cluster.run(answer), { kind: "refused", reason: "stale-epoch" });
  });

  for (const how of ["kill", "power-loss"] as const)
    test(`a restart behind a ${how} keeps it, whenever somebody was told of it`, async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const cluster = await ReplicatedCluster.start("ab", { seed });
        const { remote } = cluster.node("a");
        let told = 1;
        for (let number = 2; number <= 5; number++)
          remote.stat(b, { ids: [], epoch: epoch(number) }, end).then(
            ({ kind, ...answer }) => {
              if (kind === "done" && "standing" in answer) told = Math.max(told, answer.standing.epoch);
            },
            () => undefined,
          );
        for (let steps = cluster.random.uint32() % 60; steps > 0; steps--) await cluster.simulation.step();
        const toldBefore = told;
        cluster.crash("b", how);
        await cluster.start(b);
        assert.ok(
          cluster.node("b").local.standing.epoch >= toldBefore,
          `seed ${seed}: ${toldBefore} was told`,
        );
        if (toldBefore === 1) continue;
        const older = { ids: [block], epoch: epoch(toldBefore - 1) };
        const stale = await cluster.run(remote.stat(b, older, end));
        assert.partialDeepStrictEqual(stale, { kind: "refused", reason: "stale-epoch" }, `seed ${seed}`);
      }
    });
});
