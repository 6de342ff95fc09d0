/** `holdfast doctor`: what is wrong with a node, why it matters, and what to do. Exit code 1 when something is. */

import { resolve } from "node:path";
import { countText, printable, table } from "../command-line/format.ts";
import type { Output } from "../command-line/output.ts";
import { openOutput } from "../command-line/output.ts";
import { storeSettings } from "../command-line/settings.ts";
import { packageVersion } from "../command-line/version.ts";
import type { ConfigFile } from "../server/config.ts";
import { parseListenAddress, urlOf } from "../server/listen-address.ts";
import { directoryReport } from "./directory-checks.ts";
import type { EndpointKeys } from "./endpoint-checks.ts";
import { endpointFindings } from "./endpoint-checks.ts";
import type { Finding } from "./finding.ts";

export interface DoctorFlags {
  readonly data?: string;
  readonly endpoint?: string;
  readonly json?: boolean;
}

export async function runDoctor(flags: DoctorFlags): Promise<void> {
  const output = openOutput({ stdout: process.stdout, stderr: process.stderr }, flags.json === true);
  const findings = flags.data === undefined ? await online(flags) : await local(flags, resolve(flags.data));
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.filter(({ severity }) => severity === "warning").length;
  await report(output, findings, { healthy: errors === 0, errors, warnings });
  if (errors > 0) process.exitCode = 1;
}

async function online({ endpoint }: DoctorFlags): Promise<readonly Finding[]> {
  const settings = storeSettings(endpoint, process.env);
  const findings: Finding[] = [];
  for (const each of settings.endpoints)
    findings.push(...(await endpointFindings(each, settings, packageVersion())));
  return findings;
}

/** The directory; and the node on it, if it runs, as its own config file says where. */
async function local(flags: DoctorFlags, directory: string): Promise<readonly Finding[]> {
  const { findings, isServed, config } = await directoryReport(directory);
  if (flags.endpoint !== undefined) return [...findings, ...(await online(flags))];
  if (!isServed || config?.http === undefined) return findings;
  const address = parseListenAddress(config.http);
  // Port 0 was some free one: only who started the node knows which.
  if (address.port === 0) return findings;
  const keys = keysOf(config) ?? storeSettings(undefined, process.env);
  return [...findings, ...(await endpointFindings(urlOf(address), keys, packageVersion()))];
}

function keysOf({ accessKey, secretKey }: ConfigFile): EndpointKeys | undefined {
  if (accessKey === undefined || secretKey === undefined) return undefined;
  return { accessKey, secretKey, keysFrom: "the node's config.yaml" };
}

interface Summary {
  readonly healthy: boolean;
  readonly errors: number;
  readonly warnings: number;
}

const marks = { ok: "ok", warning: "WARNING", error: "ERROR" } as const;

async function report(output: Output, findings: readonly Finding[], summary: Summary): Promise<void> {
  const lines = table(findings.map(({ check, severity, what }) => [marks[severity], check, printable(what)]));
  for (const [i, finding] of findings.entries()) {
    const advice = [finding.why, finding.next].filter((text) => text !== undefined);
    const [why, next] = advice.map(printable);
    const more = why === undefined ? "" : `\n         why:  ${why}\n         next: ${next ?? ""}`;
    await output.result({ kind: "finding", ...finding }, `${lines[i] ?? ""}${more}`);
  }
  const { healthy, errors, warnings } = summary;
  const verdict = healthy ? "healthy" : "not healthy";
  await output.result(
    { kind: "summary", ...summary },
    `${verdict}: ${countText(errors, "error")}, ${countText(warnings, "warning")}`,
  );
}
