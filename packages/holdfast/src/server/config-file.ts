/** The node's `config.yaml`, readable by its owner alone, since it holds the secret key. */

import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { Failure, systemErrorCode, UsageError } from "../command-line/failure.ts";
import type { ConfigFile, ServerConfig } from "./config.ts";
import { checkConfig } from "./config.ts";
import { configFileName } from "./data-files.ts";
import { listenAddressText } from "./listen-address.ts";

/** A data directory that the file names is relative to the file's own folder, and is that folder if it names none. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const config = await tryReadConfigFile(path);
  if (config !== undefined) return config;
  throw new Failure(`there is no config file ${path}`, {
    code: "ConfigNotFound",
    next: "check the path, or start with flags: holdfast server --data DIR",
  });
}

/** Undefined when there is no such file. */
export async function tryReadConfigFile(path: string): Promise<ConfigFile | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const config = checkConfig(parseYaml(text, path), path);
  return { ...config, data: resolve(dirname(path), config.data ?? ".") };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
    throw error;
  }
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch {
    // The parser's message quotes the line, which may be the secret's.
    throw new UsageError(`${path} is not valid YAML`);
  }
}

/**
 * Replaces the file in the data directory: 1. a neighbour, made unreadable to others from the start, is written and
 * synced; 2. it is renamed over the old one. A crash leaves the old file or the new one.
 */
export async function writeConfigFile(config: ServerConfig): Promise<void> {
  const path = join(config.data, configFileName);
  const temporary = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(configText(config));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Without `data`: the file lies in the data directory and may move with it. */
function configText(config: ServerConfig): string {
  const document: ConfigFile = {
    s3: listenAddressText(config.s3),
    http: listenAddressText(config.http),
    rpc: config.rpc === undefined ? undefined : listenAddressText(config.rpc),
    zone: config.zone,
    weight: config.weight,
    accessKey: config.root.accessKey,
    secretKey: config.root.secretKey,
    region: config.region,
    domains: config.domains,
    log: config.log,
    accessLog: config.accessLog,
    metricsToken: config.metricsToken,
    stopDeadlineMs: config.stopDeadlineMs,
  };
  return `# Start this node with: holdfast server --config FILE\n${stringify(document)}`;
}
