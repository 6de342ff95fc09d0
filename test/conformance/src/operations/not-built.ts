/** What S3 has and this gateway has not: refused, and file and bucket stay what they were. */

import assert from "node:assert/strict";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf } from "../conformance-case.ts";

const ofBuckets = {
  GET: ["abac", "metadataConfiguration", "metadataTable", "session"],
  PUT: [
    "abac",
    "accelerate",
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "logging",
    "metadataAnnotationTable",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "tagging",
    "versioning",
    "website",
    "a-new-one",
  ],
  POST: ["metadataConfiguration", "metadataTable", ""],
  DELETE: [
    "analytics",
    "intelligent-tiering",
    "inventory",
    "metadataConfiguration",
    "metadataTable",
    "metrics",
    "a-new-one",
  ],
} as const;

const ofFiles = {
  GET: ["annotation", "torrent"],
  PUT: ["annotation", "encryption", "legal-hold", "renameObject", "retention", "tagging", "a-new-one"],
  POST: ["restore", "select&select-type=2"],
  DELETE: ["annotation", "a-new-one"],
} as const;

function cases(
  kind: "bucket" | "file",
  methods: Readonly<Record<string, readonly string[]>>,
): readonly ConformanceCase[] {
  return Object.entries(methods).flatMap(([method, queries]) =>
    queries.map((query) => ({
      claim: `${method} ?${query} of a ${kind}: 501 NotImplemented`,
      needs: "own node",
      run: async (target) => {
        const key = await target.stored("stays");
        const path = kind === "bucket" ? `/${target.bucket}` : target.path(key);
        const body = method === "PUT" || method === "POST" ? "<Anything/>" : "";
        const sent = target.raw({ method, path, query, body });
        assert.equal(await outcomeOf(target, sent), "501 NotImplemented");
        assert.equal(await target.text(key), "stays");
      },
    })),
  );
}

export const notBuilt: ConformanceOperation = {
  name: "What is not built",
  supports: "refused with 501; a sub-resource that is not known is never taken for the file or bucket itself",
  cases: [...cases("bucket", ofBuckets), ...cases("file", ofFiles)],
};
