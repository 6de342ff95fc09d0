import type { HttpResponse } from "@holdfast/ports";
import { emptyAnswer, xmlAnswer } from "../answer.ts";
import { readDocument } from "../request-document.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Request } from "../s3-request.ts";
import type { XmlElement } from "../xml-reader.ts";
import { childText } from "../xml-reader.ts";
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

/** What says nothing new is taken, by header or as a document (s3cmd sends one with each copy); grants are refused as S3 does. */
export async function putBucketAcl(request: S3Request): Promise<HttpResponse> {
  const { owner } = await request.service.files.bucket(request.bucket);
  if (request.headers["x-amz-acl"] !== undefined) return emptyAnswer();
  const document = await readDocument(request, "AccessControlPolicy");
  if (document === undefined || !grantsOwnerAlone(document, owner))
    throw new S3Error("AccessControlListNotSupported");
  return emptyAnswer();
}

export async function putObjectAcl(request: S3Request): Promise<HttpResponse> {
  await request.service.files.statFile({ bucket: request.bucket, key: request.key });
  return putBucketAcl(request);
}

function grantsOwnerAlone(document: XmlElement, owner: string): boolean {
  const lists = document.children.filter(({ name }) => name === "AccessControlList");
  const grants = lists.flatMap((list) => list.children);
  return grants.every((grant) => {
    const grantee = grant.children.find(({ name }) => name === "Grantee");
    const isOwner = grantee !== undefined && childText(grantee, "ID") === owner;
    return isOwner && childText(grant, "Permission") === "FULL_CONTROL";
  });
}
