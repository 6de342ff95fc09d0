/** What one node is told: the config file, overridden by the environment, overridden by flags. */

import { z } from "zod";
import { UsageError } from "../command-line/failure.ts";
import type { Environment } from "../command-line/settings.ts";
import type { RootCredentials } from "./credentials.ts";
import { devCredentials, requireOwnCredentials } from "./credentials.ts";
import type { ListenAddress } from "./listen-address.ts";
import { collide, listenAddressText, parseListenAddress } from "./listen-address.ts";

export interface ServerConfig {
  /** The data directory, absolute. */
  readonly data: string;
  readonly s3: ListenAddress;
  readonly http: ListenAddress;
  /** Where other nodes reach this one; undefined for a node that is alone. */
  readonly rpc: ListenAddress | undefined;
  /** What the node shares with its neighbours: a rack, a room. Undefined leaves it as it is. */
  readonly zone: string | undefined;
  /** How much of the data it takes, next to others, from 1 to 1000. Undefined leaves it as it is. */
  readonly weight: number | undefined;
  readonly root: RootCredentials;
  /** The S3 region that requests are signed for. */
  readonly region: string;
  /** Host names below which a bucket's name is the first label (virtual-host style). */
  readonly domains: readonly string[];
  readonly log: LogLevel;
  /** A journal line for every request, at level info; without it for failures alone. */
  readonly accessLog: boolean;
  /** What scrapers of /metrics send as bearer token; without it only callers on this machine may read them. */
  readonly metricsToken: string | undefined;
  /** How long a stop waits for requests under way. */
  readonly stopDeadlineMs: number;
  readonly maintenance: MaintenanceConfig;
}

/** How fast a node works in the background; what is left out is the node's to choose. */
export interface MaintenanceConfig {
  /** In which everything stored is read once. */
  readonly scrubPeriodMs?: number;
  /** Read by the scrub however little is stored. */
  readonly scrubBytesPerSecondMin?: number;
  /** Copied by compaction. */
  readonly compactBytesPerSecondMax?: number;
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error", "silent"];

/** As the file holds it: addresses as text, everything optional, unknown names refused. */
export interface ConfigFile {
  readonly data?: string | undefined;
  readonly s3?: string | undefined;
  readonly http?: string | undefined;
  readonly rpc?: string | undefined;
  readonly zone?: string | undefined;
  readonly weight?: number | undefined;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly region?: string | undefined;
  readonly domains?: readonly string[] | undefined;
  readonly log?: LogLevel | undefined;
  readonly accessLog?: boolean | undefined;
  readonly metricsToken?: string | undefined;
  readonly stopDeadlineMs?: number | undefined;
  readonly scrubPeriodMs?: number | undefined;
  readonly scrubBytesPerSecondMin?: number | undefined;
  readonly compactBytesPerSecondMax?: number | undefined;
}

const hostName = z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, "is no host name");

const schema: z.ZodType<ConfigFile> = z.strictObject({
  data: z.string().min(1).optional(),
  s3: z.string().optional(),
  http: z.string().optional(),
  rpc: z.string().optional(),
  zone: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,62}$/, "has up to 63 letters, digits, dots, hyphens and underscores")
    .optional(),
  weight: z.number("is a whole number from 1 to 1000").int().min(1).max(1000).optional(),
  accessKey: z
    .string()
    .regex(/^[\w.-]{3,128}$/, "has 3 to 128 letters, digits, dots, hyphens and underscores")
    .optional(),
  secretKey: z
    .string()
    .min(8, "has at least 8 characters")
    .max(256)
    .regex(/^[\x21-\x7e]+$/, "has printable ASCII characters and no spaces")
    .optional(),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "has lower-case letters, digits and hyphens")
    .optional(),
  domains: z.array(hostName).optional(),
  log: z.enum(["debug", "info", "warn", "error", "silent"]).optional(),
  accessLog: z.boolean().optional(),
  metricsToken: z
    .string()
    .min(16, "has at least 16 characters")
    .max(256)
    .regex(/^[\x21-\x7e]+$/, "has printable ASCII characters and no spaces")
    .optional(),
  stopDeadlineMs: z.number().int().min(0).max(3_600_000).optional(),
  scrubPeriodMs: z.number().int().min(1000).max(31_536_000_000).optional(),
  scrubBytesPerSecondMin: z.number().int().min(1024).optional(),
  compactBytesPerSecondMax: z.number().int().min(65_536).optional(),
});

/** Values are never quoted in messages: one of them is a secret. */
export function checkConfig(value: unknown, source: string): ConfigFile {
  const checked = schema.safeParse(value ?? {});
  if (checked.success) return checked.data;
  const problems = checked.error.issues.map((issue) => {
    const where = issue.path.join(".");
    return where === "" ? issue.message : `${where}: ${issue.message}`;
  });
  throw new UsageError(`${source}: ${problems.join("; ")}`);
}

export function environmentConfig(environment: Environment): ConfigFile {
  const accessKey = environment["HOLDFAST_ACCESS_KEY"] || undefined;
  const secretKey = environment["HOLDFAST_SECRET_KEY"] || undefined;
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    throw new UsageError(
      "HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY belong together: only one of them is set",
    );
  }
  return checkConfig({ accessKey, secretKey }, "HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY");
}

const defaultS3 = "127.0.0.1:9000";
const defaultHttp = "127.0.0.1:9001";
const defaultStopDeadlineMs = 10_000;

/** Later layers win. `data` must be absolute by now, and is required. */
export function resolveConfig(layers: readonly ConfigFile[]): ServerConfig {
  const merged = mergeLayers(layers);
  if (merged.data === undefined) throw new UsageError("no data directory: give --data DIR or --config FILE");
  const config: ServerConfig = {
    data: merged.data,
    s3: parseListenAddress(merged.s3 ?? defaultS3),
    http: parseListenAddress(merged.http ?? defaultHttp),
    rpc: rpcAddress(merged),
    zone: merged.zone,
    weight: merged.weight,
    root: rootCredentials(merged),
    region: merged.region ?? "us-east-1",
    domains: merged.domains ?? [],
    log: merged.log ?? "info",
    accessLog: merged.accessLog ?? false,
    metricsToken: merged.metricsToken,
    stopDeadlineMs: merged.stopDeadlineMs ?? defaultStopDeadlineMs,
    maintenance: maintenanceConfig(merged),
  };
  requireDifferentPorts(config);
  // Nodes know each other by certificates, whatever the keys are.
  requireOwnCredentials(config.root, [config.s3.host, config.http.host]);
  return config;
}

function rpcAddress({ rpc }: ConfigFile): ListenAddress | undefined {
  if (rpc === undefined) return undefined;
  const address = parseListenAddress(rpc);
  if (address.host !== "0.0.0.0" && address.host !== "::") return address;
  throw new UsageError(
    `rpc: other nodes are told this address, and nobody can call ${rpc}: give an address of this machine`,
  );
}

function requireDifferentPorts({ s3, http, rpc }: ServerConfig): void {
  const pairs = [
    ["s3", s3, "http", http],
    ["s3", s3, "rpc", rpc],
    ["http", http, "rpc", rpc],
  ] as const;
  for (const [name, address, otherName, other] of pairs)
    if (address !== undefined && other !== undefined && collide(address, other))
      throw new UsageError(`${name} and ${otherName} cannot both listen on ${listenAddressText(address)}`);
}

function maintenanceConfig(merged: ConfigFile): MaintenanceConfig {
  const { scrubPeriodMs, scrubBytesPerSecondMin, compactBytesPerSecondMax } = merged;
  return {
    ...(scrubPeriodMs === undefined ? {} : { scrubPeriodMs }),
    ...(scrubBytesPerSecondMin === undefined ? {} : { scrubBytesPerSecondMin }),
    ...(compactBytesPerSecondMax === undefined ? {} : { compactBytesPerSecondMax }),
  };
}

function rootCredentials({ accessKey, secretKey }: ConfigFile): RootCredentials {
  if (accessKey === undefined && secretKey === undefined) return devCredentials;
  if (accessKey === undefined || secretKey === undefined) {
    throw new UsageError("accessKey and secretKey belong together: only one of them is set");
  }
  return { accessKey, secretKey };
}

function mergeLayers(layers: readonly ConfigFile[]): ConfigFile {
  const merged: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) if (value !== undefined) merged[name] = value;
  }
  return checkConfig(merged, "configuration");
}
