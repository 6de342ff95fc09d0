import type { Outcome, StoreError } from "@holdfast/base";
import type { RequestSummary } from "@holdfast/ports";

/** What has been found out about a request, written down while it is served: the answer carries it, failed or not. */
export class RequestFacts implements RequestSummary {
  /** An operation's id, or the name of a page. */
  operation = "Other";
  bucket = "";
  key = "";
  accessKey: string | undefined;
  code: string | undefined;
  outcome: Outcome | undefined;

  noteFailure({ code, outcome }: StoreError): void {
    this.code = code;
    this.outcome = outcome;
  }
}
