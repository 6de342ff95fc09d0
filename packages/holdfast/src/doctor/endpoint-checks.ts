/** What can be found out about a node from outside: reached, ready, keys accepted, clocks, and what it says of itself. */

import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { StoreError } from "@holdfast/base";
import type { Cluster, ClusterStatus } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { messageOf } from "../command-line/failure.ts";
import { durationText } from "../command-line/format.ts";
import { clusterFindings } from "./cluster-checks.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";
import { nodeFindings } from "./node-checks.ts";

export interface EndpointKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where they came from, for messages. */
  readonly keysFrom: string;
}

const answerTimeoutMs = 5000;
const answerCharactersMax = 4096;
const skewWarningMs = 2000;
/** SAFETY rule S16: beyond this a node neither leads nor proposes time. */
const skewProblemMs = 60_000;

export async function endpointFindings(
  endpoint: string,
  keys: EndpointKeys,
  clientVersion: string,
): Promise<readonly Finding[]> {
  const alive = await get(`${endpoint}/healthz`);
  if (alive.kind === "silent") return [unreachable(endpoint, alive.reason)];
  if (alive.status !== 200) return [foreign(endpoint, alive.status)];
  const reached = ok("reach", `${endpoint} answers in ${Math.round(alive.tookMs)} ms`);
  const ready = readyFinding(await get(`${endpoint}/readyz`));
  const asked = await askStatus(endpoint, keys);
  if (asked.kind === "refused") {
    const skew = alive.skewMs === undefined ? [] : [clockFinding(alive.skewMs)];
    return [reached, ready, ...skew, ...refusedFindings(asked.error, keys)];
  }
  const { status, cluster, skewMs } = asked;
  return [
    reached,
    ready,
    ok("keys", `accepted (${keys.keysFrom})`),
    ...(status.wallMs === 0 ? [] : [clockFinding(skewMs)]),
    ...nodeFindings(status, clientVersion),
    ...("kind" in cluster ? [untold(cluster.error)] : clusterFindings(cluster)),
  ];
}

type Answer =
  | { readonly kind: "silent"; readonly reason: string }
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly text: string;
      readonly tookMs: number;
      /** How far this machine's clock is ahead, by the answer's date, to the second. */
      readonly skewMs: number | undefined;
    };

/** Over node:http: `fetch` refuses some ports that a node may listen on. */
async function get(url: string): Promise<Answer> {
  const begunAtMs = performance.now();
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { signal: AbortSignal.timeout(answerTimeoutMs), agent: false };
  const request = (url.startsWith("https:") ? httpsRequest : httpRequest)(url, options, resolve);
  request.on("error", reject).end();
  try {
    const response = await answered;
    let text = "";
    for await (const chunk of response.setEncoding("utf8")) {
      text += String(chunk);
      if (text.length > answerCharactersMax) break;
    }
    const date = Date.parse(response.headers.date ?? "");
    return {
      kind: "answer",
      status: response.statusCode ?? 0,
      text,
      tookMs: performance.now() - begunAtMs,
      skewMs: Number.isNaN(date) ? undefined : wholeSecondsApart(Date.now() - date),
    };
  } catch (error) {
    return { kind: "silent", reason: messageOf(error) };
  } finally {
    request.destroy();
  }
}

/** A date header is cut to the second: up to one second later is no difference. */
function wholeSecondsApart(ms: number): number {
  return ms >= 0 && ms < 1000 ? 0 : ms;
}

function unreachable(endpoint: string, reason: string): Finding {
  return problem("reach", `${endpoint} cannot be reached: ${reason}`, {
    why: "nothing can be stored or read there",
    next: "start the node (`holdfast dev`, or `holdfast server --config FILE`), or give its address: --endpoint or HOLDFAST_ENDPOINT",
  });
}

function foreign(endpoint: string, status: number): Finding {
  return problem("reach", `${endpoint} answers /healthz with status ${status}: no Holdfast HTTP port`, {
    why: "commands speak to the HTTP port, which is the S3 port + 1",
    next: "check the port, and what stands between here and the node",
  });
}

function readyFinding(answer: Answer): Finding {
  const { ready, writable, reason } = answer.kind === "answer" ? readiness(answer.text) : {};
  const said = typeof reason === "string" ? reason : "it does not say why";
  if (ready === true && writable === true) return ok("ready", "reads and writes are served, linearizably");
  if (ready === true) {
    return problem("ready", `reads and deletes are served, new data is not: ${said}`, {
      why: "every write is refused until then",
      next: "see the findings below",
    });
  }
  return problem("ready", `not ready: ${said}`, {
    why: "the node refuses requests until it is",
    next: "a node that starts or stops needs a moment; otherwise look at its journal (standard error)",
  });
}

function readiness(text: string): Readonly<Record<string, unknown>> {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document !== null ? { ...document } : {};
  } catch {
    return {}; // Whoever answers so is not ready, and does not say why.
  }
}

type Asked =
  | {
      readonly kind: "told";
      readonly status: ClusterStatus;
      readonly cluster: Cluster | Refused;
      readonly skewMs: number;
    }
  | Refused;

interface Refused {
  readonly kind: "refused";
  readonly error: unknown;
}

async function askStatus(endpoint: string, keys: EndpointKeys): Promise<Asked> {
  const { accessKey, secretKey } = keys;
  const store = await connect({ endpoint, accessKey, secretKey, retryMs: 0 });
  try {
    const sentAtMs = Date.now();
    const status = await store.status({ signal: AbortSignal.timeout(answerTimeoutMs) });
    // The node looked at its clock somewhere in between.
    const skewMs = (sentAtMs + Date.now()) / 2 - status.wallMs;
    const asked = store.cluster({ signal: AbortSignal.timeout(answerTimeoutMs) });
    const cluster = await asked.catch((error: unknown): Refused => ({ kind: "refused", error }));
    return { kind: "told", status, cluster, skewMs };
  } catch (error) {
    return { kind: "refused", error };
  } finally {
    store.close();
  }
}

const keyCodes: ReadonlySet<string> = new Set(["InvalidAccessKey", "SignatureMismatch", "AccessDenied"]);

function refusedFindings(error: unknown, { keysFrom }: EndpointKeys): readonly Finding[] {
  if (error instanceof StoreError && keyCodes.has(error.code)) {
    return [
      problem("keys", `refused: ${error.message} The keys are from ${keysFrom}.`, {
        why: "every request is signed with them",
        next: "set HOLDFAST_ACCESS_KEY and HOLDFAST_SECRET_KEY to those in the node's config.yaml",
      }),
    ];
  }
  if (error instanceof StoreError && error.code === "RequestTimeSkewed") {
    return [
      problem("keys", "refused: the clocks of this machine and the node are over 15 minutes apart", {
        why: "a signature is good for 15 minutes",
        next: "set both clocks by NTP",
      }),
    ];
  }
  // Said by the readiness already.
  if (error instanceof StoreError && (error.code === "Unavailable" || error.code === "Stopped")) return [];
  return [
    problem("status", `the node does not tell its status: ${messageOf(error)}`, {
      why: "what is wrong with it cannot be seen from here",
      next: "look at its journal (standard error)",
    }),
  ];
}

function untold(error: unknown): Finding {
  return warning("nodes", `the node does not tell of its cluster: ${messageOf(error)}`, {
    why: "what is wrong with other nodes and with shards cannot be seen from here",
    next: "ask another node, and look at this one's journal (standard error)",
  });
}

function clockFinding(skewMs: number): Finding {
  const apartMs = Math.abs(skewMs);
  if (apartMs < skewWarningMs)
    return ok("clock", `this machine and the node agree within ${skewWarningMs / 1000} s`);
  const what = `this machine is ${durationText(apartMs)} ${skewMs > 0 ? "ahead of" : "behind"} the node`;
  const advice = {
    why: "signatures are refused beyond 15 minutes, and nodes of one cluster need their clocks within a minute",
    next: "set both clocks by NTP (timedatectl shows whether it runs)",
  };
  return apartMs < skewProblemMs ? warning("clock", what, advice) : problem("clock", what, advice);
}
