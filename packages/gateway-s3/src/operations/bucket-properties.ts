/**
 * What clients ask about a bucket before they use it. Features that are not built are reported as "not configured",
 * which is the truth; setting them is refused with NotImplemented by the router, and removing what is not there succeeds.
 */

import { noContent, xmlAnswer } from "../answer.ts";
import type { S3Code } from "../s3-error.ts";
import { S3Error } from "../s3-error.ts";
import type { Operation } from "../s3-request.ts";
import { escapeXml, leaf } from "../xml-writer.ts";

/** S3 leaves the constraint empty for us-east-1. */
export const getBucketLocation: Operation = async (request) => {
  await request.service.files.bucket(request.bucket);
  const { region } = request.service;
  return xmlAnswer("LocationConstraint", region === "us-east-1" ? "" : escapeXml(region));
};

/** An answer that is the same for every bucket that exists. */
function constant(rootName: string, content: string): Operation {
  return async (request) => {
    await request.service.files.bucket(request.bucket);
    return xmlAnswer(rootName, content);
  };
}

function notConfigured(code: S3Code): Operation {
  return async (request) => {
    await request.service.files.bucket(request.bucket);
    throw new S3Error(code, undefined, { BucketName: request.bucket });
  };
}

/** Configurations that have names: there is none of that name, and a list of none. */
function namedConfigurations(rootName: string): Operation {
  const list = constant(rootName, leaf("IsTruncated", false));
  const one = notConfigured("NoSuchConfiguration");
  return (request) => (request.query.has("id") ? one(request) : list(request));
}

/** By the name of the sub-resource. */
export const bucketProperties: Readonly<Record<string, Operation>> = {
  location: getBucketLocation,
  // Empty means: never enabled.
  versioning: constant("VersioningConfiguration", ""),
  accelerate: constant("AccelerateConfiguration", ""),
  logging: constant("BucketLoggingStatus", ""),
  notification: constant("NotificationConfiguration", ""),
  requestPayment: constant("RequestPaymentConfiguration", leaf("Payer", "BucketOwner")),
  analytics: namedConfigurations("ListBucketAnalyticsConfigurationResult"),
  inventory: namedConfigurations("ListInventoryConfigurationsResult"),
  metrics: namedConfigurations("ListMetricsConfigurationsResult"),
  "intelligent-tiering": namedConfigurations("ListBucketIntelligentTieringConfigurationsOutput"),
  cors: notConfigured("NoSuchCORSConfiguration"),
  encryption: notConfigured("ServerSideEncryptionConfigurationNotFoundError"),
  lifecycle: notConfigured("NoSuchLifecycleConfiguration"),
  "object-lock": notConfigured("ObjectLockConfigurationNotFoundError"),
  ownershipControls: notConfigured("OwnershipControlsNotFoundError"),
  policy: notConfigured("NoSuchBucketPolicy"),
  policyStatus: notConfigured("NoSuchBucketPolicy"),
  publicAccessBlock: notConfigured("NoSuchPublicAccessBlockConfiguration"),
  replication: notConfigured("ReplicationConfigurationNotFoundError"),
  tagging: notConfigured("NoSuchTagSet"),
  website: notConfigured("NoSuchWebsiteConfiguration"),
};

/** Sub-resources that DELETE removes. */
export const removableProperties: readonly string[] = [
  "cors",
  "encryption",
  "lifecycle",
  "ownershipControls",
  "policy",
  "publicAccessBlock",
  "replication",
  "tagging",
  "website",
];

export const deleteBucketProperty: Operation = async (request) => {
  await request.service.files.bucket(request.bucket);
  return noContent;
};
