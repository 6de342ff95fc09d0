import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Uncertain } from "./store-model.ts";
import { UploadModel } from "./upload-model.ts";

const name = { bucket: "b", key: "k" };
const version = (
  id: number,
): { readonly etag: string; readonly piece: { readonly id: number; readonly bytes: number } } => ({
  etag: `etag ${id}`,
  piece: { id, bytes: 10 },
});
const listed = { key: "k", uploadId: "1" };
const violation = { name: "Violation" };

describe("uploads", () => {
  it("an acknowledged part that is gone, or shows other bytes, is a violation", () => {
    const upload = new UploadModel().created(name, "1", "w1");
    upload.stored(3, version(1));
    assert.throws(() => upload.observe([]), violation);
    assert.throws(() => upload.observe([{ part: 3, etag: "etag 2", bytes: 10 }]), violation);
    upload.observe([{ part: 3, etag: "etag 1", bytes: 10 }]);
  });

  it("of a part that was sent again with unknown outcome either may show, and the one seen stays", () => {
    const upload = new UploadModel().created(name, "1", "w1");
    upload.stored(3, version(1));
    upload.maybeStored(3, version(2));
    assert.equal(upload.isCertain, false);
    upload.observe([{ part: 3, etag: "etag 2", bytes: 10 }]);
    assert.equal(upload.isCertain, true);
    assert.throws(() => upload.observe([{ part: 3, etag: "etag 1", bytes: 10 }]), violation);
  });

  it("open uploads are listed, ended ones are not, and strangers are violations unless one may have been begun", () => {
    const uploads = new UploadModel();
    const upload = uploads.created(name, "1", "w1");
    assert.throws(() => uploads.observe("b", []), violation);
    upload.status = "aborted";
    assert.throws(() => uploads.observe("b", [listed]), violation);
    const stranger = { key: "k", uploadId: "2" };
    assert.throws(() => uploads.observe("b", [stranger]), violation);
    uploads.maybeCreated(name);
    uploads.observe("b", [stranger]);
  });

  it("whether an uncertain completion took effect is told by whether the upload is still open", () => {
    for (const isOpen of [true, false]) {
      const uploads = new UploadModel();
      const upload = uploads.created(name, "1", "w1");
      const told: string[] = [];
      const pending: Uncertain = {
        tookEffect: () => void told.push("took effect"),
        hadNone: () => void told.push("had none"),
      };
      upload.status = "uncertain";
      upload.pending = pending;
      uploads.observe("b", isOpen ? [listed] : []);
      assert.deepEqual(told, [isOpen ? "had none" : "took effect"]);
      assert.equal(upload.status, isOpen ? "open" : "completed");
    }
  });
});
