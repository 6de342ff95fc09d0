/**
 * The whole node under a script: buckets, files inline and in blocks, overwritten, copied, deleted, uploads in parts
 * completed and aborted, while checkpoints, segment deletion and collection go on beside. One step is under way at a
 * time, so that after a crash the store holds what the steps before it made of it, with that step's effect or without.
 */

import { equalBytes, KiB, limits } from "@holdfast/base";
import type { HoldfastNode, NodePorts } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import type { Hashing } from "@holdfast/ports";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";
import { bodyBytes, pieceBytes } from "../model/body.ts";
import { etagOfPiece } from "../model/etag.ts";
import { noCondition } from "../model/register.ts";
import { StoreModel } from "../model/store-model.ts";
import { violated } from "../model/violation.ts";
import { auditStores } from "../run/audit.ts";
import { filesClient } from "../workload/files-client.ts";
import type { Outgoing, StoreClient } from "../workload/store-client.ts";
import { smallNode } from "./small-node.ts";
import type { Step, StoredBody, StoreState } from "./store-state.ts";
import { after, describe, describeFile, describeUpload, emptyStore } from "./store-state.ts";
import type { Subject, Work } from "./subject.ts";

/** One of these states; the ids of uploads are known once their making was answered. */
export interface NodeExpectation {
  readonly states: readonly StoreState[];
  readonly uploadIds: ReadonlyMap<string, string>;
}

const blockBytes = 4 * KiB;

export function nodeSubject(name: string, script: readonly Step[]): Subject<NodeExpectation> {
  return {
    name,
    node: smallNode,
    begin: () => new NodeWork(script),
    recover: async (ports, expected) => {
      const node = await startNode(ports, smallNode);
      return judge(node, ports.hashing, expected);
    },
    finish: async (machine, expected) => {
      machine.kill();
      await endAndAudit(machine, expected);
    },
  };
}

class NodeWork implements Work<NodeExpectation> {
  readonly #script: readonly Step[];
  readonly #uploadIds = new Map<string, string>();
  #state = emptyStore;
  /** With the effect of the step that is under way. */
  #next = emptyStore;

  constructor(script: readonly Step[]) {
    this.#script = script;
  }

  expected(): NodeExpectation {
    const states = this.#next === this.#state ? [this.#state] : [this.#state, this.#next];
    return { states, uploadIds: new Map(this.#uploadIds) };
  }

  async run(ports: NodePorts): Promise<void> {
    const node = await startNode(ports, smallNode);
    const store = clientOf(node);
    for (const step of this.#script) {
      this.#next = after(this.#state, step, ports.hashing);
      await this.#take(step, { node, store, ports });
      this.#state = this.#next;
    }
    await node.stop();
  }

  async #take(step: Step, { node, store, ports }: Surroundings): Promise<void> {
    switch (step.kind) {
      case "create-bucket":
        return store.createBucket(step.bucket);
      case "delete-bucket":
        return store.deleteBucket(step.bucket);
      case "put":
        await store.put(step.name, "tag", outgoing(step), noCondition);
        return;
      case "copy":
        await store.copy(step.from, step.name, undefined, noCondition);
        return;
      case "delete":
        await store.delete(step.name, noCondition);
        return;
      case "create-upload":
        this.#uploadIds.set(step.upload, await store.createUpload(step.name, "tag"));
        return;
      case "put-part": {
        const { name, id } = this.#upload(step.upload);
        await store.putPart(name, id, step.part, outgoing(step));
        return;
      }
      case "complete-upload": {
        const { name, id, parts } = this.#upload(step.upload);
        const named = [...parts].map(([part, piece]) => ({ part, etag: etagOfPiece(ports.hashing, piece) }));
        await store.completeUpload(name, id, named, noCondition);
        return;
      }
      case "abort-upload": {
        const { name, id } = this.#upload(step.upload);
        return store.abortUpload(name, id);
      }
      case "wait":
        return new Promise((wake) => void ports.clock.after(step.ms, wake));
      case "collect":
        return node.collect();
    }
  }

  #upload(upload: string) {
    const known = this.#state.uploads.get(upload);
    const id = this.#uploadIds.get(upload);
    if (known === undefined || id === undefined) return violated(`the script knows no upload ${upload}`);
    return { ...known, id };
  }
}

interface Surroundings {
  readonly node: HoldfastNode;
  readonly store: StoreClient;
  readonly ports: NodePorts;
}

function clientOf(node: HoldfastNode): StoreClient {
  return filesClient({ files: node.files, model: new StoreModel(), blockBytes });
}

function outgoing({ piece }: Extract<Step, { kind: "put" | "put-part" }>): Outgoing {
  const chunks = (async function* () {
    yield pieceBytes(piece);
  })();
  return { body: { pieces: [piece] }, declaredBytes: piece.bytes, chunks, md5: undefined };
}

async function judge(
  node: HoldfastNode,
  hashing: Hashing,
  expected: NodeExpectation,
): Promise<NodeExpectation> {
  const store = clientOf(node);
  const bodies = new Map<string, StoredBody>();
  for (const state of expected.states) for (const body of state.files.values()) bodies.set(body.etag, body);
  const lines: string[] = [];
  for (const bucket of await store.listBuckets()) {
    lines.push(`bucket ${bucket}`);
    const page = { bucket, prefix: "", delimiter: "", after: "", limit: limits.keysPerRequestMax };
    for (const { key, etag } of (await store.list(page)).files) {
      lines.push(describeFile(`${bucket}/${key}`, etag));
      await checkBody(store, { bucket, key }, bodies.get(etag));
    }
    for (const { key, uploadId } of await store.listUploads(bucket)) {
      const parts = await store.listParts({ bucket, key }, uploadId);
      lines.push(describeUpload(`${bucket}/${key}`, new Map(parts.map(({ part, etag }) => [part, etag]))));
    }
  }
  const shown = lines.sort().join("\n");
  const states = expected.states.filter((state) => describe(state, hashing) === shown);
  if (states.length === 0)
    violated(
      `the store shows\n${shown}\nand should show\n${expected.states.map((state) => describe(state, hashing)).join("\nor\n")}`,
    );
  return { ...expected, states };
}

async function checkBody(
  store: StoreClient,
  name: { readonly bucket: string; readonly key: string },
  expected: StoredBody | undefined,
): Promise<void> {
  if (expected === undefined) return;
  const whole = bodyBytes(expected);
  let offset = 0;
  for await (const chunk of (await store.read(name, undefined)).chunks) {
    if (!equalBytes(chunk, whole.subarray(offset, offset + chunk.length)))
      violated(`${name.bucket}/${name.key}: foreign bytes behind ${offset}`);
    offset += chunk.length;
  }
  if (offset !== whole.length) violated(`${name.bucket}/${name.key}: ${offset} of ${whole.length} bytes`);
}

/** Uploads end, the dead are collected, the node stops: then nothing is missing in its stores, and nothing leaks. */
async function endAndAudit(machine: SimulatedMachine, expected: NodeExpectation): Promise<void> {
  const ports = machine.ports();
  const node = await startNode(ports, smallNode);
  const store = clientOf(node);
  for (const bucket of await store.listBuckets())
    for (const { key, uploadId } of await store.listUploads(bucket))
      await store.abortUpload({ bucket, key }, uploadId);
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((wake) => void ports.clock.after(smallNode.readerGraceMs + 1, wake));
    await node.collect();
  }
  const states = expected.states.map((state) => ({ ...state, uploads: new Map() }));
  await judge(node, ports.hashing, { ...expected, states });
  await node.stop();
  machine.kill();
  await auditStores(machine, { node: smallNode }, () => undefined);
}
