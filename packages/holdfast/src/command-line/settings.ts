/** Which store a command speaks to, and as whom: flags, then the environment, then what `holdfast dev` listens on. */

import { devCredentials } from "../server/credentials.ts";
import { UsageError } from "./failure.ts";

export const defaultEndpoint = "http://127.0.0.1:9001";

export interface StoreSettings {
  /** One or several nodes; any of them answers anything. */
  readonly endpoints: readonly string[];
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where the keys came from, for messages; never the keys themselves. */
  readonly keysFrom: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export function storeSettings(endpoint: string | undefined, environment: Environment): StoreSettings {
  const endpoints = parseEndpoints(endpoint ?? filled(environment.HOLDFAST_ENDPOINT) ?? defaultEndpoint);
  return { endpoints, ...keys(environment) };
}

function keys(environment: Environment): Omit<StoreSettings, "endpoints"> {
  for (const prefix of [
    "HOLDFAST_ACCESS_KEY HOLDFAST_SECRET_KEY",
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
  ]) {
    const [accessName = "", secretName = ""] = prefix.split(" ");
    const accessKey = filled(environment[accessName]);
    const secretKey = filled(environment[secretName]);
    if (accessKey !== undefined && secretKey !== undefined) {
      return { accessKey, secretKey, keysFrom: `${accessName} and ${secretName}` };
    }
    if (accessKey !== undefined || secretKey !== undefined) {
      throw new UsageError(`${accessName} and ${secretName} belong together: only one of them is set`);
    }
  }
  return { ...devCredentials, keysFrom: "the development keys" };
}

function parseEndpoints(text: string): readonly string[] {
  const endpoints = text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (endpoints.length === 0)
    throw new UsageError("the endpoint is empty; expected a URL like http://127.0.0.1:9001");
  return endpoints.map(parseEndpoint);
}

function parseEndpoint(text: string): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new UsageError(`"${text}" is no endpoint; expected a URL like http://127.0.0.1:9001`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError("an endpoint holds no keys: set HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY");
  }
  return url.origin;
}

/** An empty variable counts as none. */
function filled(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}
