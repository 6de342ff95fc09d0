/** Everything the suite knows, in the order of docs/s3.md. */

import type { ConformanceCase, ConformanceOperation } from "./conformance-case.ts";
import type { Endpoint } from "./endpoint.ts";
import { bucketProperties } from "./operations/bucket-properties.ts";
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  headBucket,
  listBuckets,
} from "./operations/buckets.ts";
import { checksums } from "./operations/checksums.ts";
import { conditions } from "./operations/conditions.ts";
import { copyObject } from "./operations/copy-object.ts";
import { deleteObject, deleteObjects } from "./operations/delete-object.ts";
import { faultAnswers } from "./operations/faults.ts";
import { getObject, headObject } from "./operations/get-object.ts";
import { listObjects, listObjectsV2, listObjectVersions } from "./operations/listings.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPartOperation,
} from "./operations/multipart-uploads.ts";
import { notBuilt } from "./operations/not-built.ts";
import { acls, getObjectAttributes, objectLock, objectTagging } from "./operations/object-properties.ts";
import { putObject } from "./operations/put-object.ts";
import {
  authentication,
  expectContinue,
  keyNames,
  presignedUrls,
  virtualHosts,
} from "./operations/requests.ts";
import { uploadPartCopy } from "./operations/upload-part-copy.ts";

export const operations: readonly ConformanceOperation[] = [
  listBuckets,
  createBucket,
  headBucket,
  deleteBucket,
  getBucketLocation,
  bucketProperties,
  listObjects,
  listObjectsV2,
  listObjectVersions,
  putObject,
  getObject,
  headObject,
  getObjectAttributes,
  copyObject,
  deleteObject,
  deleteObjects,
  acls,
  objectTagging,
  objectLock,
  createMultipartUpload,
  uploadPartOperation,
  uploadPartCopy,
  completeMultipartUpload,
  abortMultipartUpload,
  listParts,
  listMultipartUploads,
  conditions,
  checksums,
  authentication,
  presignedUrls,
  keyNames,
  virtualHosts,
  expectContinue,
  notBuilt,
  faultAnswers,
];

/** What can be asked of this endpoint. */
export function casesFor(
  operation: ConformanceOperation,
  { isOwn, domain }: Pick<Endpoint, "isOwn" | "domain">,
): readonly ConformanceCase[] {
  const has = { "own node": isOwn, domain: domain !== undefined };
  return operation.cases.filter(({ needs }) => needs === undefined || has[needs]);
}
