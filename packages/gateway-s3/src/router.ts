/**
 * Which operation a request asks for: by method, by what it is about (service, bucket, file), and by the sub-resource
 * its query names. A sub-resource that S3 has and this store has not is NotImplemented, never taken for the plain
 * operation: `DELETE /bucket?policy` must not delete the bucket.
 */

import { abortMultipartUpload } from "./operations/abort-multipart-upload.ts";
import { bucketProperties } from "./operations/bucket-properties.ts";
import { completeMultipartUpload } from "./operations/complete-multipart-upload.ts";
import { copyObject } from "./operations/copy-object.ts";
import { createBucket } from "./operations/create-bucket.ts";
import { createMultipartUpload } from "./operations/create-multipart-upload.ts";
import { deleteBucket } from "./operations/delete-bucket.ts";
import { deleteObject } from "./operations/delete-object.ts";
import { deleteObjects } from "./operations/delete-objects.ts";
import { getBucketAcl, getObjectAcl } from "./operations/get-acl.ts";
import { getObject, headObject } from "./operations/get-object.ts";
import { getObjectTagging } from "./operations/get-object-tagging.ts";
import { headBucket } from "./operations/head-bucket.ts";
import { listBuckets } from "./operations/list-buckets.ts";
import { listMultipartUploads } from "./operations/list-multipart-uploads.ts";
import { listObjects, listObjectsV2 } from "./operations/list-objects.ts";
import { listParts } from "./operations/list-parts.ts";
import { putObject } from "./operations/put-object.ts";
import { uploadPart } from "./operations/upload-part.ts";
import type { Query } from "./query.ts";
import { headerNotImplemented, S3Error } from "./s3-error.ts";
import type { Operation, S3Request } from "./s3-request.ts";

type RouteTable = ReadonlyMap<string, Operation>;

/** By "METHOD sub-resource", the sub-resource empty for the plain operation. */
const serviceRoutes: RouteTable = new Map([["GET ", listBuckets]]);

const bucketRoutes: RouteTable = new Map<string, Operation>([
  ...Object.entries(bucketProperties).map(([name, operation]) => [`GET ${name}`, operation] as const),
  [
    "GET ",
    (request) => (request.query.get("list-type") === "2" ? listObjectsV2(request) : listObjects(request)),
  ],
  ["GET acl", getBucketAcl],
  ["GET uploads", listMultipartUploads],
  ["HEAD ", headBucket],
  ["PUT ", createBucket],
  ["POST delete", deleteObjects],
  ["DELETE ", deleteBucket],
]);

const fileRoutes: RouteTable = new Map<string, Operation>([
  ["GET ", getObject],
  ["GET acl", getObjectAcl],
  ["GET tagging", getObjectTagging],
  ["GET uploadId", listParts],
  ["HEAD ", headObject],
  ["PUT ", (request) => (isCopy(request) ? copyObject(request) : putObject(request))],
  ["PUT uploadId", (request) => (isCopy(request) ? uploadPartCopy() : uploadPart(request))],
  ["POST uploads", createMultipartUpload],
  ["POST uploadId", completeMultipartUpload],
  ["DELETE ", deleteObject],
  ["DELETE uploadId", abortMultipartUpload],
]);

const bucketSubresources: readonly string[] = [
  ...Object.keys(bucketProperties),
  "abac",
  "acl",
  "delete",
  "intelligent-tiering",
  "metadataConfiguration",
  "metadataTable",
  "session",
  "uploads",
  "versions",
];

const fileSubresources: readonly string[] = [
  "acl",
  "attributes",
  "encryption",
  "legal-hold",
  "renameObject",
  "restore",
  "retention",
  "select",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
];

/** What a route is looked up by. */
export type RoutedRequest = Pick<S3Request, "bucket" | "key" | "query"> & { readonly method: string };

/** Throws NotImplemented and MethodNotAllowed. */
export function route({ method, bucket, key, query }: RoutedRequest): Operation {
  if (bucket === "") return lookUp(serviceRoutes, method, "");
  return lookUp(key === "" ? bucketRoutes : fileRoutes, method, subresourceOf(bucket, key, query));
}

/** The sub-resource that a request is about; "" when it is about the thing itself. */
export function subresourceOf(bucket: string, key: string, query: Query): string {
  if (bucket === "" || query.size === 0) return "";
  const subresources = key === "" ? bucketSubresources : fileSubresources;
  return subresources.find((name) => query.has(name)) ?? "";
}

function lookUp(routes: RouteTable, method: string, subresource: string): Operation {
  const operation = routes.get(`${method} ${subresource}`);
  if (operation !== undefined) return operation;
  if (subresource !== "") {
    throw new S3Error("NotImplemented", `${method} of the sub-resource "${subresource}" is not implemented.`);
  }
  if (method === "OPTIONS") throw new S3Error("AccessForbidden");
  // A POST without a sub-resource is an upload by an HTML form.
  if (method === "POST") throw new S3Error("NotImplemented", "Uploads by HTML forms are not implemented.");
  throw new S3Error("MethodNotAllowed", undefined, { Method: method });
}

function isCopy(request: S3Request): boolean {
  return request.headers["x-amz-copy-source"] !== undefined;
}

function uploadPartCopy(): never {
  throw headerNotImplemented("x-amz-copy-source");
}
