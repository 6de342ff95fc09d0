/**
 * A node asks to be let into a cluster. The addresses of its token are called one after another; whoever answers is believed
 * only with a certificate of the authority that the token names, and learns the secret only then.
 */

import type { NodeId } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { CertificateError } from "../authority/certificate-error.ts";
import { isFingerprint } from "../authority/fingerprint.ts";
import { requestCertificate } from "../authority/node-credentials.ts";
import type { NodeSecrets } from "../authority/node-secrets.ts";
import { checkSecrets } from "../authority/node-secrets.ts";
import type { NetworkLimits } from "../network/limits.ts";
import { defaultNetworkLimits } from "../network/limits.ts";
import type { Asked } from "./join-call.ts";
import { callToJoin } from "./join-call.ts";
import type { JoinAcceptance, JoinPurpose } from "./join-message.ts";
import { encodeJoinRequest } from "./join-message.ts";
import type { JoinToken } from "./join-token.ts";

export interface AskToJoinOptions {
  readonly token: JoinToken;
  readonly node: NodeId;
  readonly purpose: JoinPurpose;
  /** What the node says of itself; the one that is asked hands it to its handler. */
  readonly about: Uint8Array;
  readonly clock: Clock;
  readonly limits?: Partial<Pick<NetworkLimits, "helloTimeoutMs" | "joinTimeoutMs">>;
  readonly signal?: AbortSignal;
}

/** To be stored by `storeSecrets`. */
export interface AcceptedJoin extends NodeSecrets {
  /** What the cluster says of itself. */
  readonly about: Uint8Array;
}

/**
 * May be repeated, also after a crash, with the same node id and token. StoreError: the code of whoever refused it (such as
 * InvalidToken); Unavailable when nobody could be asked; OutcomeUnknown when somebody was and did not answer; Stopped when
 * the signal was aborted. A node that cannot decide now (a code that is retryable) is passed over while there are others.
 */
export async function askToJoin(options: AskToJoinOptions): Promise<AcceptedJoin> {
  const { token, node, purpose, about } = options;
  const limits = { ...defaultNetworkLimits, ...options.limits };
  const { request, key } = await requestCertificate(node);
  const message = encodeJoinRequest({
    secret: token.secret,
    node,
    certificateRequest: request,
    purpose,
    about,
  });
  const attempts: Attempt[] = [];
  for (const address of token.addresses) {
    const asked = await callToJoin({ ...options, address, message, limits });
    if (options.signal?.aborted === true) throw new StoreError("Stopped", "joining was given up");
    if (asked.kind === "accepted") {
      const accepted = acceptedJoin(asked, key, options);
      if (!(accepted instanceof CertificateError)) return accepted;
      attempts.push({ address, kind: "unanswered", message: `its answer is of no use: ${accepted.message}` });
      continue;
    }
    if (asked.kind === "refused" && !new StoreError(asked.code, asked.message).retryable)
      throw new StoreError(asked.code, asked.message, { fields: { address } });
    attempts.push({ ...asked, address });
  }
  throw failure(token, attempts);
}

type Attempt = Exclude<Asked, { kind: "accepted" }> & { readonly address: string };

/** Everything is checked before anything of it is kept. */
function acceptedJoin(
  { certificate, authority, about }: JoinAcceptance,
  key: string,
  { token, node }: AskToJoinOptions,
): AcceptedJoin | CertificateError {
  const credentials = { certificate, key, authority: authority.certificate };
  try {
    if (!isFingerprint(authority.certificate, token.authority))
      throw new CertificateError("the authority is not the one that the token names");
    checkSecrets({ authority, credentials }, { clusterId: token.clusterId, node });
    return { authority, credentials, about };
  } catch (error) {
    if (error instanceof CertificateError) return error;
    throw error;
  }
}

function failure({ clusterId }: JoinToken, attempts: readonly Attempt[]): StoreError {
  const reasons = attempts.map(({ address, message }) => `${address}: ${message}`).join("; ");
  if (attempts.some(({ kind }) => kind === "unanswered")) {
    const next = "ask again with the same token: a node that was let in is let in once more";
    return new StoreError(
      "OutcomeUnknown",
      `joining cluster ${clusterId} was not answered (${reasons}); ${next}`,
    );
  }
  const refused = attempts.findLast((attempt) => attempt.kind === "refused");
  if (refused !== undefined)
    return new StoreError(refused.code, `no node of cluster ${clusterId} can decide now (${reasons})`);
  const next = "check that these nodes run and can be reached from here, or ask for a new token";
  return new StoreError(
    "Unavailable",
    `no node of cluster ${clusterId} could be asked (${reasons}); ${next}`,
  );
}
