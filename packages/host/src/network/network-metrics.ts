import type { Counter, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { JoinProblem } from "../join/join-server.ts";
import type { ConnectionRefusal } from "./carrier.ts";
import type { ConnectionEnd } from "./frame-connection.ts";

export type RefusalReason = ConnectionRefusal | ConnectionEnd["reason"] | JoinProblem | "not-a-peer";

/** Read when they are scraped. */
export interface NetworkLevels {
  readonly peers: () => number;
  readonly connectedPeers: () => number;
  readonly queueBytes: () => number;
}

/** What the network counts. */
export class NetworkMetrics {
  readonly sentFrames: Counter;
  readonly sentBytes: Counter;
  readonly receivedFrames: Counter;
  readonly receivedBytes: Counter;
  readonly droppedFrames: Counter;
  readonly connectionsLost: Counter;
  readonly connectFailures: Counter;
  readonly asked: ExchangeCounts;
  readonly answered: ExchangeCounts;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics, levels: NetworkLevels) {
    this.#metrics = metrics;
    this.sentFrames = metrics.counter(allMetrics.networkFrames, { direction: "sent" });
    this.sentBytes = metrics.counter(allMetrics.networkFrameBytes, { direction: "sent" });
    this.receivedFrames = metrics.counter(allMetrics.networkFrames, { direction: "received" });
    this.receivedBytes = metrics.counter(allMetrics.networkFrameBytes, { direction: "received" });
    this.droppedFrames = metrics.counter(allMetrics.networkDroppedFrames, {});
    this.connectionsLost = metrics.counter(allMetrics.networkConnectionsLost, {});
    this.connectFailures = metrics.counter(allMetrics.networkConnectFailures, {});
    this.asked = new ExchangeCounts(metrics, "asked");
    this.answered = new ExchangeCounts(metrics, "answered");
    metrics.watch(allMetrics.networkPeers, {}, levels.peers);
    metrics.watch(allMetrics.networkConnectedPeers, {}, levels.connectedPeers);
    metrics.watch(allMetrics.networkQueueBytes, {}, levels.queueBytes);
  }

  refused(reason: RefusalReason): void {
    this.#metrics.counter(allMetrics.networkRefusedConnections, { reason }).add(1);
  }
}

export class ExchangeCounts {
  readonly #whole: Counter;
  readonly #broken: Counter;
  #inFlight = 0;

  constructor(metrics: Metrics, side: "asked" | "answered") {
    this.#whole = metrics.counter(allMetrics.networkExchanges, { side, outcome: "whole" });
    this.#broken = metrics.counter(allMetrics.networkExchanges, { side, outcome: "broken" });
    metrics.watch(allMetrics.networkExchangesInFlight, { side }, () => this.#inFlight);
  }

  begin(): void {
    this.#inFlight++;
  }

  end(outcome: "whole" | "broken"): void {
    this.#inFlight--;
    (outcome === "whole" ? this.#whole : this.#broken).add(1);
  }
}
