import type { Outcome } from "@holdfast/base";
import type { RequestSummary } from "@holdfast/ports";
import { failureOf } from "./error-answer.ts";
import type { Query } from "./query.ts";
import { subresourceOf } from "./router.ts";

/** What has been found out about a request, written down while it is served: the answer carries it, failed or not. */
export class RequestFacts implements RequestSummary {
  operation: string = otherOperation;
  bucket = "";
  key = "";
  accessKey: string | undefined;
  code: string | undefined;
  outcome: Outcome | undefined;

  noteTarget(bucket: string, key: string, name: string): void {
    this.bucket = bucket;
    this.key = key;
    this.operation = name;
  }

  noteFailure(error: unknown): void {
    const { code, outcome } = failureOf(error);
    this.code = code;
    this.outcome = outcome;
  }
}

const otherOperation = "Other";

/** Plain operations, and those whose names do not follow from their sub-resource. */
const names: Readonly<Record<string, string>> = {
  "service GET ": "ListBuckets",
  "bucket GET ": "ListObjects",
  "bucket HEAD ": "HeadBucket",
  "bucket PUT ": "CreateBucket",
  "bucket DELETE ": "DeleteBucket",
  "bucket POST delete": "DeleteObjects",
  "bucket GET uploads": "ListMultipartUploads",
  "bucket GET versions": "ListObjectVersions",
  "object GET ": "GetObject",
  "object HEAD ": "HeadObject",
  "object PUT ": "PutObject",
  "object DELETE ": "DeleteObject",
  "object POST uploads": "CreateMultipartUpload",
  "object POST uploadId": "CompleteMultipartUpload",
  "object GET uploadId": "ListParts",
  "object PUT uploadId": "UploadPart",
  "object DELETE uploadId": "AbortMultipartUpload",
};

/** Of those that copy instead of taking a body. */
const copyNames: Readonly<Record<string, string>> = { PutObject: "CopyObject", UploadPart: "UploadPartCopy" };

const verbs: ReadonlyMap<string, string> = new Map([
  ["GET", "Get"],
  ["PUT", "Put"],
  ["DELETE", "Delete"],
]);

export interface NamedRequest {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: Query;
  readonly isCopy: boolean;
}

/** As AWS calls it; from a closed set, whatever the request says: metrics are labelled with it. */
export function operationName({ method, bucket, key, query, isCopy }: NamedRequest): string {
  const subresource = subresourceOf(bucket, key, query);
  const level = bucket === "" ? "service" : key === "" ? "bucket" : "object";
  const name = names[`${level} ${method} ${subresource}`];
  if (name !== undefined) return isCopy ? (copyNames[name] ?? name) : name;
  const verb = verbs.get(method);
  if (verb === undefined || subresource === "") return otherOperation;
  return verb + (level === "bucket" ? "Bucket" : "Object") + pascalCase(subresource);
}

/** "legal-hold" -> "LegalHold" */
function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|-)[a-z]/g, (start) => start.replace("-", "").toUpperCase());
}
