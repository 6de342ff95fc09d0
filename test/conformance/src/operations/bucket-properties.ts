/** What clients ask about a bucket that was never configured, by sub-resource. */

import assert from "node:assert/strict";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { outcomeOf, refuses, works } from "../conformance-case.ts";

const empty = [
  "versioning",
  "accelerate",
  "logging",
  "notification",
  "requestPayment",
  "analytics",
  "inventory",
  "metrics",
  "intelligent-tiering",
] as const;

const absent = {
  cors: "NoSuchCORSConfiguration",
  encryption: "ServerSideEncryptionConfigurationNotFoundError",
  lifecycle: "NoSuchLifecycleConfiguration",
  "object-lock": "ObjectLockConfigurationNotFoundError",
  ownershipControls: "OwnershipControlsNotFoundError",
  policy: "NoSuchBucketPolicy",
  policyStatus: "NoSuchBucketPolicy",
  publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
  replication: "ReplicationConfigurationNotFoundError",
  tagging: "NoSuchTagSet",
  website: "NoSuchWebsiteConfiguration",
} as const;

const removable = [
  "cors",
  "encryption",
  "lifecycle",
  "ownershipControls",
  "policy",
  "publicAccessBlock",
  "replication",
  "tagging",
  "website",
] as const;

function onBucket(method: string, query: string): ConformanceCase["run"] {
  return async (target) => {
    const bucket = await target.newBucket();
    assert.equal(await outcomeOf(target, target.raw({ method, path: `/${bucket}`, query })), "204");
    // Not the bucket itself.
    assert.equal((await target.raw({ method: "HEAD", path: `/${bucket}` })).status, 200);
  };
}

export const bucketProperties: ConformanceOperation = {
  name: "Bucket configurations",
  commands: [
    "DeleteBucketCors",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketReplication",
    "DeleteBucketTagging",
    "DeleteBucketWebsite",
    "DeletePublicAccessBlock",
    "GetBucketAccelerateConfiguration",
    "GetBucketAnalyticsConfiguration",
    "GetBucketCors",
    "GetBucketEncryption",
    "GetBucketIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration",
    "GetBucketLifecycleConfiguration",
    "GetBucketLogging",
    "GetBucketMetricsConfiguration",
    "GetBucketNotificationConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "GetBucketReplication",
    "GetBucketRequestPayment",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetBucketWebsite",
    "GetObjectLockConfiguration",
    "GetPublicAccessBlock",
    "ListBucketAnalyticsConfigurations",
    "ListBucketIntelligentTieringConfigurations",
    "ListBucketInventoryConfigurations",
    "ListBucketMetricsConfigurations",
  ],
  supports: "reported as never configured, removable as such; setting one is refused with 501",
  cases: [
    ...empty.map((query) =>
      works(`GET ?${query} answers that there is nothing`, async (target) => {
        const { status, text } = await target.raw({ path: `/${target.bucket}`, query });
        assert.equal(status, 200);
        assert.doesNotMatch(text, /<Status>|<Id>|Configuration><Id/);
      }),
    ),
    ...Object.entries(absent).map(([query, code]) =>
      refuses(`GET ?${query}`, `404 ${code}`, (target) => target.raw({ path: `/${target.bucket}`, query })),
    ),
    ...["analytics", "inventory", "metrics", "intelligent-tiering"].map((query) =>
      refuses(`GET ?${query} of one name`, "404 NoSuchConfiguration", (target) =>
        target.raw({ path: `/${target.bucket}`, query: `id=one&${query}` }),
      ),
    ),
    ...removable.map((query) =>
      works(`DELETE ?${query} succeeds and leaves the bucket`, onBucket("DELETE", query)),
    ),
    refuses("GET ?policy of a bucket that is not there", "404 NoSuchBucket", (target) =>
      target.raw({ path: `/${target.bucketName()}`, query: "policy" }),
    ),
    refuses("a preflight without CORS", "403 AccessForbidden", (target) =>
      target.raw({ method: "OPTIONS", path: `/${target.bucket}/a` }),
    ),
  ],
};
