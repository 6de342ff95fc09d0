/** What operators are told of a node: by `holdfast doctor`, and by its metrics. */

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { cli } from "./server-process.ts";
import { keys } from "./store-cluster.ts";

export interface DoctorFinding {
  readonly check: string;
  readonly severity: "ok" | "warning" | "error";
  readonly what: string;
}

type DoctorLine = ({ readonly kind: "finding" } & DoctorFinding) | { readonly kind: "summary" };

/** All that the doctor says of the node with this HTTP endpoint. */
export async function askDoctor(endpoint: string): Promise<readonly DoctorFinding[]> {
  const args = ["--conditions=holdfast-source", cli, "doctor", "--endpoint", endpoint, "--json"];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, HOLDFAST_ACCESS_KEY: keys.accessKey, HOLDFAST_SECRET_KEY: keys.secretKey },
  });
  const lines = (await text(child.stdout)).split("\n").filter((line) => line !== "");
  const said = lines.map((line) => JSON.parse(line) as DoctorLine);
  return said.flatMap((line) => (line.kind === "finding" ? [line] : []));
}

/** The value of a metric without labels; undefined when the node does not show it. */
export async function askMetric(endpoint: string, name: string): Promise<number | undefined> {
  const response = await fetch(`${endpoint}/metrics`);
  const value = new RegExp(`^${name} (\\S+)$`, "m").exec(await response.text())?.[1];
  return value === undefined ? undefined : Number(value);
}
