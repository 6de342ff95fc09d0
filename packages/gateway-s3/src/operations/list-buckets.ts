import { formatIso8601 } from "@holdfast/base";
import type { HttpResponse } from "@holdfast/ports";
import { xmlAnswer } from "../answer.ts";
import type { S3Request } from "../s3-request.ts";
import { element, leaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";

/** The requester's own buckets, in one page. */
export async function listBuckets(request: S3Request): Promise<HttpResponse> {
  const { account } = request.requester;
  const prefix = request.query.get("prefix") ?? "";
  let buckets = "";
  for (const bucket of await request.service.files.listBuckets()) {
    if (bucket.owner !== account || !bucket.name.startsWith(prefix)) continue;
    buckets += element(
      "Bucket",
      leaf("Name", bucket.name) + leaf("CreationDate", formatIso8601(bucket.createdAtMs)),
    );
  }
  return xmlAnswer("ListAllMyBucketsResult", ownerElement("Owner", account) + element("Buckets", buckets));
}
