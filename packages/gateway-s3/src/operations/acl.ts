import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer, xmlAnswer } from "../answer.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import { element, leaf } from "../xml-writer.ts";
import { ownerElement } from "./owner.ts";

const instanceNamespace = "http://www.w3.org/2001/XMLSchema-instance";

/** There are no ACLs: the owner has full control, which is what s3cmd and others like to hear. */
export async function getBucketAcl(request: S3Request): Promise<HttpResponse> {
  const { owner } = await request.service.files.bucket(request.bucket);
  const ownerContent = leaf("ID", owner) + leaf("DisplayName", owner);
  const grantee = `<Grantee xmlns:xsi="${instanceNamespace}" xsi:type="CanonicalUser">${ownerContent}</Grantee>`;
  const grant = element("Grant", grantee + leaf("Permission", "FULL_CONTROL"));
  return xmlAnswer("AccessControlPolicy", ownerElement("Owner", owner) + element("AccessControlList", grant));
}

export async function getObjectAcl(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  return getBucketAcl(request);
}

/** A grant that says nothing new is taken; others were refused with their headers (unsupported-headers.ts). */
export async function putBucketAcl(request: S3Request): Promise<HttpResponse> {
  await request.service.files.bucket(request.bucket);
  if (request.headers["x-amz-acl"] === undefined) throw new S3Error("AccessControlListNotSupported");
  return emptyAnswer();
}

export async function putObjectAcl(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  return putBucketAcl(request);
}
