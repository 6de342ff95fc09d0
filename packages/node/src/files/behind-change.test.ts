import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "@holdfast/base";
import { noAttributes } from "@holdfast/namespace";
import { bucket, FilesWorld } from "../../test-support/files-world.ts";

test("behind a change: an upload that was created is answered, though nobody can be asked about it any more", async () => {
  const world = await FilesWorld.start("abc");
  const { shard, files } = world;
  const ask = shard.ask.bind(shard);
  shard.ask = () => Promise.reject(new StoreError("Unavailable", "No quorum confirms."));
  const creating = { bucket, key: "f", attributes: noAttributes, checksumAlgorithm: undefined };
  const { uploadId } = await world.run(files.createUpload({ ...creating, checksumScope: undefined }));
  shard.ask = ask;
  const all = { bucket, prefix: "", delimiter: "", afterKey: "", afterUploadId: "", limit: 10 };
  const { uploads } = await world.run(files.listUploads(all));
  assert.deepEqual(
    uploads.map((upload) => upload.uploadId),
    [uploadId],
  );
});
