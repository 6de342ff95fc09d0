/** The S3 service that is judged: a node of this process, or whatever the environment names. */

import { Holdfast } from "holdfast";

export interface Endpoint {
  /** Such as `http://127.0.0.1:9000`. */
  readonly url: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Below which hosts are buckets; undefined where that cannot be tested. */
  readonly domain: string | undefined;
  /** Whether it is this project's own: some cases need to look behind it. */
  readonly isOwn: boolean;
  stop(): Promise<void>;
}

const variables = {
  url: "S3_CONFORMANCE_ENDPOINT",
  accessKey: "S3_CONFORMANCE_ACCESS_KEY",
  secretKey: "S3_CONFORMANCE_SECRET_KEY",
  region: "S3_CONFORMANCE_REGION",
  domain: "S3_CONFORMANCE_DOMAIN",
} as const;

export async function openEndpoint(): Promise<Endpoint> {
  const url = process.env[variables.url];
  return url === undefined ? ownEndpoint() : namedEndpoint(url);
}

async function ownEndpoint(): Promise<Endpoint> {
  const domain = "s3.conformance.local";
  const holdfast = await Holdfast.start({ nodes: 1, ephemeral: true, domains: [domain] });
  const { accessKey, secretKey, s3Endpoint } = holdfast;
  const keys = { accessKey, secretKey };
  return { url: s3Endpoint, region: "us-east-1", ...keys, domain, isOwn: true, stop: () => holdfast.stop() };
}

function namedEndpoint(url: string): Endpoint {
  const accessKey = process.env[variables.accessKey];
  const secretKey = process.env[variables.secretKey];
  if (accessKey === undefined || secretKey === undefined)
    throw new Error(`${variables.url} needs ${variables.accessKey} and ${variables.secretKey} beside it.`);
  const region = process.env[variables.region] ?? "us-east-1";
  const domain = process.env[variables.domain];
  return { url, region, accessKey, secretKey, domain, isOwn: false, stop: () => Promise.resolve() };
}
