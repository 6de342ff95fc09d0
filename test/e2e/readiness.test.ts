// What a probe sees over a real connection of a node whose disk is simulated: full, then broken, then stopped.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { createHttpGateway } from "@holdfast/gateway-http";
import { listenHttp, nodeHashing, realClock } from "@holdfast/host";
import type { HoldfastNode } from "@holdfast/node";
import { noAttributes, startNode, unconditional } from "@holdfast/node";
import { silentJournal } from "@holdfast/ports";
import { SimulatedDisk, SimulatedKeyValue } from "@holdfast/ports/simulated";

const deadlineMs = 20_000;

interface Probe {
  readonly status: number;
  readonly ready: boolean;
  readonly writable: boolean;
  readonly code?: string;
}

suite("readiness over HTTP", () => {
  test("a full disk leaves the node ready and says so; a failed log and a stop do not", async () => {
    const random = seededRandom(5);
    const disk = new SimulatedDisk({ random });
    const node = await startNode(
      {
        clock: realClock,
        disk: disk.mount(),
        openKeyValue: () => Promise.resolve(new SimulatedKeyValue({ random }).mount()),
        random,
        hashing: nodeHashing,
        journal: silentJournal,
      },
      { shardCount: 2, segmentBytes: 256 * 1024, reserveBytes: 0 },
    );
    const handler = createHttpGateway({
      files: node.files,
      maintenance: node,
      cluster: node.cluster,
      access: { credentials: () => Promise.resolve(undefined) },
      clock: realClock,
      hashing: nodeHashing,
      journal: silentJournal,
      status: () => node.status(),
      readiness: () => node.readiness(),
    });
    const listening = { host: "127.0.0.1", port: 0, handler, clock: realClock, journal: silentJournal };
    const listener = await listenHttp(listening);
    const probe = async (): Promise<Probe> => {
      const answer = await fetch(`http://127.0.0.1:${listener.port}/readyz`);
      return { ...((await answer.json()) as Omit<Probe, "status">), status: answer.status };
    };
    try {
      await node.files.createBucket({ name: "photos", owner: "root" });
      assert.deepEqual(await probe(), { status: 200, ready: true, writable: true });

      disk.capacityBytes = 0;
      const full = await until(probe, ({ writable }) => !writable);
      assert.partialDeepStrictEqual(full, { status: 200, ready: true, code: "OutOfSpace" });
      disk.capacityBytes = 2 ** 50;
      await until(probe, ({ writable }) => writable);

      disk.failNext("write", /^log\//);
      await assert.rejects(store(node), { code: "OutcomeUnknown" });
      assert.partialDeepStrictEqual(await probe(), { status: 503, ready: false, code: "Unavailable" });
      assert.equal((await fetch(`http://127.0.0.1:${listener.port}/healthz`)).status, 200);

      await node.stop();
      assert.equal((await probe()).status, 503);
    } finally {
      await listener.close();
      await node.stop();
    }
  });
});

function store(node: HoldfastNode): Promise<unknown> {
  async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
  const body = { chunks: nothing(), bytes: 0, expectedDigests: () => [] };
  const target = { bucket: "photos", key: "k", attributes: noAttributes, condition: unconditional };
  return node.files.storeFile({ ...target, body });
}

/** The node asks its disk once a second at most. */
async function until(probe: () => Promise<Probe>, holds: (found: Probe) => boolean): Promise<Probe> {
  const giveUpAtMs = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (holds(found)) return found;
    assert.ok(performance.now() < giveUpAtMs, "the probe never saw it");
  }
}
