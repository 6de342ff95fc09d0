/** The rules of SAFETY.md that a shard keeps, one by one. Each test fails when its rule is taken out. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AssertionError,
  attempt,
  bucketId,
  encode,
  epoch,
  limits,
  logIndex,
  shardId,
  writerId,
} from "@holdfast/base";
import {
  clusterTimeMs,
  completedUploadKeptMs,
  deadContents,
  findCompletedUpload,
  findContent,
  findFile,
  findInstalledBucket,
  findStream,
  hasReference,
  isBucketRemoved,
  pendingDrops,
} from "@holdfast/namespace";
import { MemoryState } from "@holdfast/ports";
import {
  bucket,
  completeUpload,
  createUpload,
  deleteFile,
  md5Of,
  part,
  putInline,
  putPart,
  putReferenced,
  putStreamed,
  readyShard,
  refused,
  settings,
} from "../test-support/shard-harness.ts";
import { closedEpoch } from "./closed-epoch.ts";
import { shardResultCodec } from "./result.ts";
import { ShardMachine } from "./shard-machine.ts";
import { streamStatus } from "./stream-status.ts";
import { findWriter } from "./writers.ts";

const fiveMiB = limits.partBytesMin;

describe("S4: what is collected can never be committed", () => {
  it("S4: a commit below the floor is refused in its entry", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(3), closed: [] } });
    assert.equal(streamStatus(shard.state, writer, attempt(2)), "garbage");
    assert.deepEqual(shard.operate(writer, 2, putStreamed("k", part(writer, 2))), { kind: "writerClosed" });
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
    assert.equal(shard.operate(writer, 3, putStreamed("k", part(writer, 3))).kind, "stored");
  });

  it("S4: a commit of an attempt in a closed range above the floor is refused", () => {
    const { shard, writer } = readyShard();
    const progress = { floor: attempt(1), closed: [{ first: attempt(4), last: attempt(6) }] };
    shard.apply({ kind: "publishProgress", writer, progress });
    assert.equal(streamStatus(shard.state, writer, attempt(5)), "garbage");
    assert.equal(streamStatus(shard.state, writer, attempt(3)), "open");
    assert.deepEqual(shard.operate(writer, 5, putStreamed("k", part(writer, 5))), { kind: "writerClosed" });
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
  });

  it("S4: progress in the command itself counts first: an attempt inside its own closed set is refused", () => {
    const { shard, writer } = readyShard();
    const progress = { floor: attempt(0), closed: [{ first: attempt(2), last: attempt(2) }] };
    assert.deepEqual(shard.operate(writer, 2, putInline("k", "v"), progress), { kind: "writerClosed" });
  });

  it("S4: a closed writer commits nothing, and its uncommitted streams are garbage", () => {
    const { shard, writer } = readyShard();
    shard.operate(writer, 0, putStreamed("k", part(writer, 0)));
    assert.equal(streamStatus(shard.state, writer, attempt(1)), "open");
    shard.apply({ kind: "closeWriter", writer });
    assert.deepEqual(shard.operate(writer, 1, putStreamed("k", part(writer, 1))), { kind: "writerClosed" });
    assert.equal(streamStatus(shard.state, writer, attempt(1)), "garbage");
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "live");
  });

  it("S4: the streams of a writer that this state has not come to yet are not garbage", () => {
    const { shard, writer } = readyShard();
    assert.equal(streamStatus(shard.state, writerId(writer + 100), attempt(0)), "open");
    assert.equal(streamStatus(shard.state, writerId(writer - 1), attempt(0)), "garbage");
  });

  it("S4, S6: a dead content is dead, not garbage, until it is forgotten", () => {
    const { shard, writer } = readyShard();
    shard.operate(writer, 0, putStreamed("k", part(writer, 0)));
    shard.operate(writer, 1, deleteFile("k"));
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "dead");
    assert.deepEqual(deadContents(shard.state, shard.timeMs, 10), []);
    const [dead] = deadContents(shard.state, shard.timeMs + 1, 10);
    assert.deepEqual(dead?.id, shard.contentId(writer, 0));
    shard.apply({ kind: "forgetContents", contents: [shard.contentId(writer, 0)] });
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "garbage");
    assert.deepEqual(deadContents(shard.state, shard.timeMs + 1, 10), []);
  });

  it("S4: live contents cannot be forgotten", () => {
    const { shard, writer } = readyShard();
    shard.operate(writer, 0, putStreamed("k", part(writer, 0)));
    shard.apply({
      kind: "forgetContents",
      contents: [shard.contentId(writer, 0), shard.contentId(writer, 9)],
    });
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "live");
  });
});

describe("S3: evidence of a closed epoch commits nothing", () => {
  const stale = refused("StaleEvidence");

  it("S3: an epoch stays closed, whatever comes late or twice", () => {
    const { shard } = readyShard();
    assert.equal(closedEpoch(shard.state), 0);
    for (const [closed, expected] of [
      [3, 3],
      [3, 3],
      [2, 3],
      [5, 5],
    ] as const) {
      assert.deepEqual(shard.apply({ kind: "closeEpoch", epoch: epoch(closed) }), { kind: "done" });
      assert.equal(closedEpoch(shard.state), expected);
    }
  });

  it("S3: blocks with evidence below it are not committed; the same attempt commits with better evidence, once", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "closeEpoch", epoch: epoch(3) });
    const first = putStreamed("k", part(writer, 0), undefined, epoch(2));
    assert.deepEqual(shard.operate(writer, 0, first), stale);
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
    assert.equal(
      streamStatus(shard.state, writer, attempt(0)),
      "open",
      "its blocks are nobody's garbage (S4)",
    );
    // A second copy of the refused command, still under way somewhere.
    assert.deepEqual(shard.operate(writer, 0, first), stale);
    const better = putStreamed("k", part(writer, 0), undefined, epoch(3));
    const stored = shard.operate(writer, 0, better);
    assert.equal(stored.kind, "stored");
    assert.equal(findContent(shard.state, shard.contentId(writer, 0))?.evidenceEpoch, 3);
    for (const late of [first, better]) assert.deepEqual(shard.operate(writer, 0, late), stored);
  });

  it("S3, S15: what was committed before the epoch was closed is answered as before", () => {
    const { shard, writer } = readyShard();
    const operation = putStreamed("k", part(writer, 0), undefined, epoch(2));
    const stored = shard.operate(writer, 0, operation);
    shard.apply({ kind: "closeEpoch", epoch: epoch(3) });
    assert.deepEqual(shard.operate(writer, 0, operation), stored);
  });

  it("S3: an attempt that was refused for its evidence may be given up, and commits nothing from then on", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "closeEpoch", epoch: epoch(3) });
    assert.deepEqual(shard.operate(writer, 0, putStreamed("k", part(writer, 0))), stale);
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(1), closed: [] } });
    const better = putStreamed("k", part(writer, 0), undefined, epoch(3));
    assert.deepEqual(shard.operate(writer, 0, better), { kind: "writerClosed" });
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "garbage");
  });

  it("S3: the progress that a refused commit carries counts all the same", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "closeEpoch", epoch: epoch(3) });
    const progress = { floor: attempt(2), closed: [] };
    assert.deepEqual(shard.operate(writer, 2, putStreamed("k", part(writer, 2)), progress), stale);
    assert.equal(findWriter(shard.state, writer)?.floor, 2);
  });

  it("S3: what carries no blocks of its own is not asked for evidence", () => {
    const { shard, writer } = readyShard();
    const content = shard.contentId(writer, 0);
    shard.operate(writer, 0, putStreamed("k", part(writer, 0)));
    shard.apply({ kind: "closeEpoch", epoch: epoch(3) });
    assert.equal(shard.operate(writer, 1, putInline("small", "v")).kind, "stored");
    shard.apply({ kind: "addReference", content, reference: shard.contentId(writer, 2) });
    assert.equal(shard.operate(writer, 2, putReferenced("copy", content)).kind, "stored");
    assert.equal(shard.operate(writer, 3, deleteFile("k")).kind, "deleted");
  });

  it("S3, S20: a part is judged when it is recorded; the whole has the lowest evidence of its parts", () => {
    const { shard, writer } = readyShard();
    const created = shard.operate(writer, 0, createUpload("k"));
    const upload = created.kind === "uploadCreated" ? created.upload : 0;
    const partOf = (by: number, number: number, evidence: number) =>
      putPart("k", upload, part(writer, by, { number, bytes: fiveMiB }), epoch(evidence));
    assert.equal(shard.operate(writer, 1, partOf(1, 1, 2)).kind, "partStored");
    assert.equal(shard.operate(writer, 2, partOf(2, 2, 1)).kind, "partStored");
    shard.apply({ kind: "closeEpoch", epoch: epoch(4) });
    assert.deepEqual(shard.operate(writer, 3, partOf(3, 2, 3)), stale);
    assert.equal(shard.operate(writer, 3, partOf(3, 2, 4)).kind, "partStored");
    // The first part was durable before the epoch was closed: the backfill's lists have it.
    const listed = [1, 2].map((number) => ({ number, md5: md5Of("a") }));
    assert.equal(shard.operate(writer, 4, completeUpload("k", upload, listed)).kind, "stored");
    assert.equal(findContent(shard.state, shard.contentId(writer, 4))?.evidenceEpoch, 2);
  });
});

describe("S5: references are a set", () => {
  it("S5: a content lives until its last reference is dropped, however often each is added and dropped", () => {
    const { shard, writer } = readyShard();
    const content = shard.contentId(writer, 0);
    const copy = shard.contentId(writer, 1);
    shard.operate(writer, 0, putStreamed("a", part(writer, 0)));
    for (let i = 0; i < 2; i++) {
      assert.equal(shard.apply({ kind: "addReference", content, reference: copy }).kind, "referenced");
    }
    assert.equal(shard.operate(writer, 1, putReferenced("b", content)).kind, "stored");
    shard.operate(writer, 2, deleteFile("a"));
    for (let i = 0; i < 2; i++)
      shard.apply({ kind: "dropReferences", drops: [{ content, reference: content }] });
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "live");
    shard.operate(writer, 3, deleteFile("b"));
    assert.equal(streamStatus(shard.state, writer, attempt(0)), "dead");
  });

  it("S5: a dead content takes no reference", () => {
    const { shard, writer } = readyShard();
    const content = shard.contentId(writer, 0);
    shard.operate(writer, 0, putStreamed("a", part(writer, 0)));
    shard.operate(writer, 1, putInline("a", "new"));
    const reference = shard.contentId(writer, 2);
    assert.deepEqual(shard.apply({ kind: "addReference", content, reference }), refused("FileNotFound"));
    assert.equal(hasReference(shard.state, content, reference), false);
  });

  it("S5: a commit that names a content homed here without holding a reference is refused", () => {
    const { shard, writer } = readyShard();
    shard.operate(writer, 0, putStreamed("a", part(writer, 0)));
    const operation = putReferenced("b", shard.contentId(writer, 0));
    assert.deepEqual(shard.operate(writer, 1, operation), refused("InvalidRequest"));
  });

  it("S5: deleting a copy of another shard's content sends the drop, at least once, until it is settled", () => {
    const { shard: home, writer: homeWriter } = readyShard(0);
    const { shard, writer } = readyShard(1);
    const content = home.contentId(homeWriter, 0);
    home.operate(homeWriter, 0, putStreamed("a", part(homeWriter, 0)));
    const reference = shard.contentId(writer, 0);
    home.apply({ kind: "addReference", content, reference });
    assert.equal(shard.operate(writer, 0, putReferenced("b", content)).kind, "stored");
    home.operate(homeWriter, 1, deleteFile("a"));
    shard.operate(writer, 1, deleteFile("b"));
    const drops = pendingDrops(shard.state, 10);
    assert.deepEqual(drops, [{ sequence: 0, content, reference }]);
    for (let i = 0; i < 2; i++) home.apply({ kind: "dropReferences", drops });
    assert.equal(streamStatus(home.state, homeWriter, attempt(0)), "dead");
    shard.apply({ kind: "settleDrops", sequences: [0] });
    assert.deepEqual(pendingDrops(shard.state, 10), []);
  });

  it("S5: a file copied onto itself keeps its content", () => {
    const { shard, writer } = readyShard();
    const content = shard.contentId(writer, 0);
    shard.operate(writer, 0, putStreamed("a", part(writer, 0)));
    shard.apply({ kind: "addReference", content, reference: shard.contentId(writer, 1) });
    shard.operate(writer, 1, putReferenced("a", content));
    assert.equal(findContent(shard.state, content)?.deadSinceMs, undefined);
    assert.equal(hasReference(shard.state, content, content), false);
  });
});

describe("S15: exactly once", () => {
  it("S15: an attempt that was done gets its first result again, byte for byte, and is not done again", () => {
    const { shard, writer } = readyShard();
    const first = shard.operate(writer, 0, putInline("k", "one"));
    shard.operate(writer, 1, putInline("k", "two"));
    shard.timeMs += 5_000;
    const again = shard.operate(writer, 0, putInline("k", "one"));
    assert.deepEqual(encode(shardResultCodec, again), encode(shardResultCodec, first));
    assert.equal(findFile(shard.state, bucket, "k")?.etag, "etag-two");
  });

  it("S15: a refusal is a result too: what was refused is not done later", () => {
    const { shard, writer } = readyShard();
    const onlyNew = { ifMatch: undefined, ifNoneMatch: { kind: "any" } } as const;
    shard.operate(writer, 0, putInline("k", "one"));
    const refusal = shard.operate(writer, 1, putInline("k", "two", onlyNew));
    assert.deepEqual(refusal, refused("ConditionFailed", "etag-one"));
    shard.operate(writer, 2, deleteFile("k"));
    assert.deepEqual(shard.operate(writer, 1, putInline("k", "two", onlyNew)), refusal);
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
  });

  it("S15: a command of an unknown writer is not executed", () => {
    const { shard } = readyShard();
    assert.deepEqual(shard.operate(writerId(1), 0, putInline("k", "v")), { kind: "writerClosed" });
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
  });

  it("S15: acknowledged results are dropped, and their attempts never done again", () => {
    const { shard, writer } = readyShard();
    for (let i = 0; i < 4; i++) shard.operate(writer, i, putInline("k", `${i}`));
    shard.apply({
      kind: "publishProgress",
      writer,
      progress: { floor: attempt(1), closed: [{ first: attempt(3), last: attempt(3) }] },
    });
    assert.deepEqual(findWriter(shard.state, writer)?.answered, [{ first: 1, last: 2 }]);
    assert.deepEqual(shard.operate(writer, 3, putInline("k", "3")), { kind: "writerClosed" });
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(3), closed: [] } });
    assert.equal(
      findWriter(shard.state, writer)?.floor,
      4,
      "the floor jumps over the closed range behind it",
    );
    assert.deepEqual(findWriter(shard.state, writer)?.closed, []);
  });

  it("S15: beyond the window of results nothing is executed, and not later either", () => {
    const { shard, writer } = readyShard();
    shard.isChecked = false;
    for (let i = 0; i < limits.resultsPerWriterMax; i++) shard.operate(writer, i, deleteFile("k"));
    shard.isChecked = true;
    const beyond = limits.resultsPerWriterMax;
    assert.deepEqual(shard.operate(writer, beyond, putInline("k", "v")), refused("Overloaded"));
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
    // A second copy of the refused command arrives after the writer acknowledged some results.
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(10), closed: [] } });
    assert.deepEqual(shard.operate(writer, beyond, putInline("k", "v")), { kind: "writerClosed" });
    assert.equal(shard.operate(writer, beyond + 1, putInline("k", "v")).kind, "stored");
  });

  it("S15: an older progress that arrives late takes nothing back", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(5), closed: [] } });
    const closed = [{ first: attempt(3), last: attempt(3) }];
    shard.apply({ kind: "publishProgress", writer, progress: { floor: attempt(2), closed } });
    assert.equal(findWriter(shard.state, writer)?.floor, 5);
    assert.deepEqual(findWriter(shard.state, writer)?.closed, []);
  });
});

describe("S16: cluster time", () => {
  it("S16: time never goes back, whatever the proposer's clock says", () => {
    const { shard, writer } = readyShard();
    shard.timeMs = 9_000;
    shard.operate(writer, 0, putInline("a", "v"));
    shard.timeMs = 4_000;
    shard.operate(writer, 1, putInline("b", "v"));
    assert.equal(findFile(shard.state, bucket, "b")?.modifiedAtMs, 9_000);
    assert.equal(clusterTimeMs(shard.state), 9_000);
  });
});

describe("S17: buckets", () => {
  it("S17: a sealed bucket refuses commits, parts and uploads, and takes them again when unsealed", () => {
    const { shard, writer } = readyShard();
    const created = shard.operate(writer, 0, createUpload("u"));
    const upload = created.kind === "uploadCreated" ? created.upload : 0;
    assert.deepEqual(shard.apply({ kind: "sealBucket", bucket }), { kind: "sealed", empty: true });
    const operations = [
      putInline("k", "v"),
      putStreamed("k", part(writer, 2)),
      deleteFile("k"),
      createUpload("k"),
      putPart("u", upload, part(writer, 5)),
      completeUpload("u", upload, [{ number: 1, md5: md5Of("a") }]),
      { kind: "abortUpload", bucket, key: "u", upload } as const,
    ];
    for (const [i, operation] of operations.entries()) {
      const answer = shard.operate(writer, i + 1, operation);
      // Not "not found": the bucket may turn out to be in use.
      assert.deepEqual(answer, refused("Overloaded", "bucket"), operation.kind);
    }
    shard.apply({ kind: "unsealBucket", bucket });
    assert.equal(shard.operate(writer, 50, putInline("k", "v")).kind, "stored");
    assert.deepEqual(shard.apply({ kind: "sealBucket", bucket }), { kind: "sealed", empty: false });
  });

  it("S17: only a sealed and empty bucket is removed, and its uploads die with it", () => {
    const { shard, writer } = readyShard();
    const created = shard.operate(writer, 0, createUpload("u"));
    const upload = created.kind === "uploadCreated" ? created.upload : 0;
    shard.operate(writer, 1, putPart("u", upload, part(writer, 1)));
    shard.operate(writer, 2, putInline("k", "v"));
    assert.deepEqual(shard.apply({ kind: "removeBucket", bucket }), refused("InvalidRequest"));
    shard.apply({ kind: "sealBucket", bucket });
    assert.deepEqual(shard.apply({ kind: "removeBucket", bucket }), refused("BucketNotEmpty"));
    shard.apply({ kind: "unsealBucket", bucket });
    shard.operate(writer, 3, deleteFile("k"));
    shard.apply({ kind: "sealBucket", bucket });
    for (let i = 0; i < 2; i++)
      assert.deepEqual(shard.apply({ kind: "removeBucket", bucket }), { kind: "done" });
    assert.equal(streamStatus(shard.state, writer, attempt(1)), "dead");
    assert.equal(findInstalledBucket(shard.state, bucket), undefined);
  });

  it("S17: a delayed InstallBucket does not bring a removed bucket back", () => {
    const { shard, writer } = readyShard();
    shard.apply({ kind: "sealBucket", bucket });
    shard.apply({ kind: "removeBucket", bucket });
    assert.equal(isBucketRemoved(shard.state, bucket), true);
    assert.deepEqual(shard.apply({ kind: "installBucket", bucket, settings }), refused("BucketNotFound"));
    assert.deepEqual(shard.operate(writer, 0, putInline("k", "v")), refused("BucketNotFound"));
    assert.deepEqual(shard.apply({ kind: "sealBucket", bucket }), { kind: "sealed", empty: true });
  });

  it("S17: a bucket unknown here is refused, cannot be sealed, and installing it twice changes nothing", () => {
    const { shard, writer } = readyShard();
    const other = bucketId(99);
    const operation = { ...putInline("k", "v"), bucket: other };
    assert.deepEqual(shard.operate(writer, 0, operation), refused("BucketNotFound"));
    assert.deepEqual(shard.apply({ kind: "sealBucket", bucket: other }), refused("BucketNotFound"));
    shard.apply({ kind: "sealBucket", bucket });
    shard.installBucket();
    assert.equal(findInstalledBucket(shard.state, bucket)?.sealed, true);
    const changed = { ...settings, blockBytes: 5 };
    assert.deepEqual(
      shard.apply({ kind: "installBucket", bucket, settings: changed }),
      refused("InvalidRequest"),
    );
  });
});

describe("S20: multipart uploads", () => {
  function upload(): { readonly number: number } & ReturnType<typeof readyShard> {
    const ready = readyShard();
    const created = ready.shard.operate(ready.writer, 0, createUpload("k"));
    assert.equal(created.kind, "uploadCreated");
    return { ...ready, number: created.kind === "uploadCreated" ? created.upload : 0 };
  }

  function store(
    { shard, writer, number }: ReturnType<typeof upload>,
    by: number,
    partNumber: number,
    letter: string,
    bytes: number = fiveMiB,
  ): unknown {
    const streamed = part(writer, by, { number: partNumber, md5: md5Of(letter), bytes });
    return shard.operate(writer, by, putPart("k", number, streamed)).kind;
  }

  it("S20: Complete takes the listed parts; those left out and older attempts die in the same entry", () => {
    const open = upload();
    const { shard, writer, number } = open;
    for (const [by, partNumber, letter] of [
      [1, 1, "a"],
      [2, 1, "b"],
      [3, 2, "c"],
      [4, 3, "d"],
    ] as const) {
      assert.equal(store(open, by, partNumber, letter), "partStored");
    }
    assert.equal(streamStatus(shard.state, writer, attempt(1)), "dead", "replaced");
    const listed = [
      { number: 1, md5: md5Of("b") },
      { number: 3, md5: md5Of("d") },
    ];
    assert.equal(streamStatus(shard.state, writer, attempt(3)), "live");
    const result = shard.operate(writer, 9, completeUpload("k", number, listed));
    assert.equal(result.kind === "stored" && result.bytes, 2 * fiveMiB);
    assert.equal(streamStatus(shard.state, writer, attempt(3)), "dead", "left out");
    assert.deepEqual(findStream(shard.state, writer, attempt(2)), {
      kind: "absorbed",
      into: shard.contentId(writer, 9),
    });
    shard.operate(writer, 10, deleteFile("k"));
    assert.equal(streamStatus(shard.state, writer, attempt(2)), "dead");
    const contents = deadContents(shard.state, shard.timeMs + 1, 10).map(({ id }) => id);
    shard.apply({ kind: "forgetContents", contents });
    for (const by of [1, 2, 3, 4, 9]) assert.equal(streamStatus(shard.state, writer, attempt(by)), "garbage");
  });

  it("S20: Complete compares its list with the current records in its own entry", () => {
    const open = upload();
    const { shard, writer, number } = open;
    store(open, 1, 1, "a");
    store(open, 2, 2, "b", 10);
    store(open, 3, 3, "c", 10);
    const cases = [
      [["1a", "1a"], refused("InvalidPartOrder", "1")],
      [["2b", "1a"], refused("InvalidPartOrder", "1")],
      [["1b"], refused("InvalidPart", "1")],
      [["1a", "4a"], refused("InvalidPart", "4")],
      [[], refused("InvalidPart")],
      [["1a", "2b", "3c"], refused("PartTooSmall", "2")],
    ] as const;
    for (const [i, [names, expected]] of cases.entries()) {
      const parts = names.map((name) => ({ number: Number(name[0]), md5: md5Of(name[1] ?? "") }));
      assert.deepEqual(shard.operate(writer, 10 + i, completeUpload("k", number, parts)), expected);
    }
    const parts = ["1a", "2b"].map((name) => ({ number: Number(name[0]), md5: md5Of(name[1] ?? "") }));
    assert.equal(shard.operate(writer, 30, completeUpload("k", number, parts)).kind, "stored");
  });

  it("S20: a part behind Complete or Abort is refused, and so is any other list", () => {
    const open = upload();
    const { shard, writer, number } = open;
    store(open, 1, 1, "a");
    shard.operate(writer, 2, completeUpload("k", number, [{ number: 1, md5: md5Of("a") }]));
    assert.equal(store(open, 3, 1, "b"), "refused");
    assert.equal(streamStatus(shard.state, writer, attempt(3)), "garbage");
    const other = completeUpload("k", number, [{ number: 1, md5: md5Of("b") }]);
    assert.deepEqual(shard.operate(writer, 4, other), refused("UploadNotFound"));
    const aborted = { kind: "abortUpload", bucket, key: "k", upload: number } as const;
    assert.deepEqual(shard.operate(writer, 5, aborted), refused("UploadNotFound"));
  });

  it("S20: Abort kills all parts", () => {
    const open = upload();
    const { shard, writer, number } = open;
    store(open, 1, 1, "a");
    store(open, 2, 2, "a");
    shard.operate(writer, 3, { kind: "abortUpload", bucket, key: "k", upload: number });
    for (const by of [1, 2]) assert.equal(streamStatus(shard.state, writer, attempt(by)), "dead");
    assert.equal(store(open, 4, 1, "b"), "refused");
  });

  it("S20: a Complete sent again by another attempt gets the first answer for 24 hours", () => {
    const open = upload();
    const { shard, writer, number } = open;
    store(open, 1, 1, "a");
    const operation = completeUpload("k", number, [{ number: 1, md5: md5Of("a") }]);
    const first = shard.operate(writer, 2, operation);
    assert.equal(first.kind, "stored");
    shard.operate(writer, 3, putInline("k", "newer"));
    shard.timeMs += completedUploadKeptMs - 1;
    assert.deepEqual(shard.operate(writer, 4, operation), first);
    assert.equal(findCompletedUpload(shard.state, bucket, "k", number)?.etag, "etag-1a");
    assert.equal(
      findFile(shard.state, bucket, "k")?.etag,
      "etag-newer",
      "the first answer does nothing again",
    );
    shard.timeMs += 1;
    assert.deepEqual(shard.operate(writer, 5, operation), refused("UploadNotFound"));
    const sizeBefore = shard.state.size;
    shard.operate(writer, 6, createUpload("z"));
    assert.equal(shard.state.size, sizeBefore, "a result and an upload came; the answer and its expiry went");
  });

  it("S20: conditions are judged in the entry of Complete", () => {
    const open = upload();
    const { shard, writer, number } = open;
    store(open, 1, 1, "a");
    shard.operate(writer, 2, putInline("k", "there"));
    const onlyNew = { ifMatch: undefined, ifNoneMatch: { kind: "any" } } as const;
    const parts = [{ number: 1, md5: md5Of("a") }];
    const result = shard.operate(writer, 3, completeUpload("k", number, parts, onlyNew));
    assert.deepEqual(result, refused("ConditionFailed", "etag-there"));
    shard.operate(writer, 4, deleteFile("k"));
    assert.equal(shard.operate(writer, 5, completeUpload("k", number, parts, onlyNew)).kind, "stored");
  });
});

describe("commands that contradict themselves", () => {
  it("are refused and leave everything as it was", () => {
    const { shard, writer } = readyShard();
    shard.operate(writer, 0, putStreamed("taken", part(writer, 0)));
    const bad = [
      putStreamed("k", part(writer, 99)),
      putStreamed("k", part(writerId(1), 1)),
      putStreamed("k", part(writer, 3, { number: 2 })),
      putStreamed("k", part(writer, 4, { blockBytes: 0 })),
      putStreamed("k", part(writer, 5, { md5: new Uint8Array(3) })),
      putStreamed("k", part(writer, 6, { salts: [{ sequence: 1, salt: 1 }] })),
      putStreamed("k", part(writer, 7, { bytes: limits.bodyBytesMax + 1 })),
      { ...putStreamed("k", part(writer, 8)), bytes: 5 },
      { ...putInline("k", "text"), bytes: 5 },
    ] as const;
    for (const [i, operation] of bad.entries()) {
      assert.deepEqual(shard.operate(writer, i + 1, operation), refused("InvalidRequest"), `${i}`);
    }
    assert.equal(findFile(shard.state, bucket, "k"), undefined);
  });

  it("keys that are empty, too long or hold a zero byte are refused", () => {
    const { shard, writer } = readyShard();
    assert.deepEqual(shard.operate(writer, 0, putInline("", "v")), refused("InvalidKey"));
    assert.deepEqual(shard.operate(writer, 1, putInline("a\0b", "v")), refused("InvalidKey"));
    assert.deepEqual(shard.operate(writer, 2, createUpload("é".repeat(513))), refused("KeyTooLong"));
    assert.equal(shard.operate(writer, 3, createUpload("é".repeat(512))).kind, "uploadCreated");
  });

  it("the last attempt number there is does no harm", () => {
    const { shard, writer } = readyShard();
    const last = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(shard.operate(writer, last, putInline("k", "v")), { kind: "writerClosed" });
    assert.equal(shard.operate(writer, last - 1, putInline("k", "v")).kind, "stored");
    const progress = { floor: attempt(1), closed: [{ first: attempt(0), last: attempt(last) }] };
    shard.apply({ kind: "publishProgress", writer, progress });
    assert.deepEqual(shard.operate(writer, 2, putInline("k", "v")), { kind: "writerClosed" });
  });

  it("bytes that are no command break an invariant", () => {
    const machine = new ShardMachine(shardId(0), new MemoryState());
    assert.throws(
      () => machine.apply({ index: logIndex(1), command: Uint8Array.of(1, 2, 3) }),
      AssertionError,
    );
  });
});
