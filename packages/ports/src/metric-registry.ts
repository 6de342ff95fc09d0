/**
 * Every metric of Holdfast, with what it says. docs/metrics.md is this file in prose, and a test keeps them equal.
 * `operation` is an operation of a gateway ("GetObject", "storeFile"), `status` the class of the answer ("2xx").
 */

import type { Metric } from "./metrics.ts";

export const allMetrics = {
  // Requests: rate, errors, duration.
  httpRequests: {
    kind: "counter",
    name: "holdfast_http_requests_total",
    help: "Requests that ended, by class of status; broken is an answer that did not reach its end.",
    labels: ["gateway", "operation", "status"],
  },
  httpDuration: {
    kind: "histogram",
    name: "holdfast_http_request_duration_seconds",
    help: "From the parsed headers of a request until the connection took the last byte of its answer.",
    labels: ["gateway", "operation"],
    buckets: "requestSeconds",
  },
  httpRequestBytes: {
    kind: "counter",
    name: "holdfast_http_request_bytes_total",
    help: "Bytes of request bodies that were read, as they came off the connection.",
    labels: ["gateway", "operation"],
  },
  httpResponseBytes: {
    kind: "counter",
    name: "holdfast_http_response_bytes_total",
    help: "Bytes of answers' bodies that were sent.",
    labels: ["gateway", "operation"],
  },
  httpErrors: {
    kind: "counter",
    name: "holdfast_http_errors_total",
    help: "Failures and refusals by their code: S3's in gateway s3, Holdfast's in gateway http.",
    labels: ["gateway", "code"],
  },
  httpInFlight: {
    kind: "gauge",
    name: "holdfast_http_requests_in_flight",
    help: "Requests whose answers have not ended.",
    labels: ["gateway"],
  },
  // The node as a whole.
  buildInfo: {
    kind: "gauge",
    name: "holdfast_build_info",
    help: "Always 1; the labels say what runs.",
    labels: ["version", "node_version"],
  },
  nodeReady: {
    kind: "gauge",
    name: "holdfast_node_ready",
    help: "1 while linearizable requests are served, as /readyz says.",
    labels: [],
  },
  nodeWritable: {
    kind: "gauge",
    name: "holdfast_node_writable",
    help: "1 while new data is taken; 0 also when the disk is full up to its reserve.",
    labels: [],
  },
  operationsInFlight: {
    kind: "gauge",
    name: "holdfast_operations_in_flight",
    help: "Operations of the node that have not ended, whatever gateway asked for them.",
    labels: [],
  },
  admissionRefusals: {
    kind: "counter",
    name: "holdfast_admission_refusals_total",
    help: "Writes that were refused because the disk is full up to its reserve.",
    labels: [],
  },
  diskFree: {
    kind: "gauge",
    name: "holdfast_disk_free_bytes",
    help: "Free space of the data directory's file system.",
    labels: [],
  },
  diskSize: {
    kind: "gauge",
    name: "holdfast_disk_size_bytes",
    help: "Size of the data directory's file system.",
    labels: [],
  },
  diskReserve: {
    kind: "gauge",
    name: "holdfast_disk_reserve_bytes",
    help: "Free space below which new data is refused.",
    labels: [],
  },
  // The write-ahead log.
  logBatches: {
    kind: "counter",
    name: "holdfast_log_batches_total",
    help: "Batches written to the log, each with one synced write.",
    labels: [],
  },
  logBatchRecords: {
    kind: "histogram",
    name: "holdfast_log_batch_records",
    help: "Records that share one batch of the log; an append makes one, the proof of an idle log has none.",
    labels: [],
    buckets: "count",
  },
  logWrittenBytes: {
    kind: "counter",
    name: "holdfast_log_written_bytes_total",
    help: "Bytes written to the log, headers and padding included.",
    labels: [],
  },
  logSync: {
    kind: "histogram",
    name: "holdfast_log_sync_duration_seconds",
    help: "One synced write of the log.",
    labels: [],
    buckets: "syncSeconds",
  },
  logQueueBytes: {
    kind: "gauge",
    name: "holdfast_log_queue_bytes",
    help: "Bytes of appends that wait or are being written.",
    labels: [],
  },
  logSegments: {
    kind: "gauge",
    name: "holdfast_log_segments",
    help: "Segment files of the log, the one prepared ahead not included.",
    labels: [],
  },
  logSegmentsBytes: {
    kind: "gauge",
    name: "holdfast_log_segments_bytes",
    help: "Bytes of all segment files, the one prepared ahead included.",
    labels: [],
  },
  logFailed: {
    kind: "gauge",
    name: "holdfast_log_failed",
    help: "1 when the log takes no more writes because one failed.",
    labels: [],
  },
  // Consensus groups.
  groups: {
    kind: "gauge",
    name: "holdfast_groups",
    help: "Consensus groups that this node serves.",
    labels: [],
  },
  groupsAwake: {
    kind: "gauge",
    name: "holdfast_groups_awake",
    help: "Groups in which something happened lately; the others rest and cost nothing.",
    labels: [],
  },
  groupsLed: {
    kind: "gauge",
    name: "holdfast_groups_led",
    help: "Groups that this node leads.",
    labels: [],
  },
  groupFrames: {
    kind: "counter",
    name: "holdfast_group_frames_total",
    help: "Frames sent to other nodes, each with what all groups had for that node, signs of life included.",
    labels: [],
  },
  groupMessages: {
    kind: "counter",
    name: "holdfast_group_messages_total",
    help: "Messages of groups in those frames.",
    labels: [],
  },
  groupMessagesUnsent: {
    kind: "counter",
    name: "holdfast_group_messages_unsent_total",
    help: "Messages that were not sent, because the other node cannot be reached or too much waits for it.",
    labels: [],
  },
  groupRefusals: {
    kind: "counter",
    name: "holdfast_group_refusals_total",
    help: "What came from other nodes and was not looked at, by reason.",
    labels: ["reason"],
  },
  // State machines and checkpoints.
  appliedEntries: {
    kind: "counter",
    name: "holdfast_applied_entries_total",
    help: "Applied indexes of all shards and of the system group, added up; grows on over restarts.",
    labels: [],
  },
  checkpointDuration: {
    kind: "histogram",
    name: "holdfast_checkpoint_duration_seconds",
    help: "One checkpoint: from its start until all applied state was durable in the state store.",
    labels: [],
    buckets: "jobSeconds",
  },
  checkpointLagEntries: {
    kind: "gauge",
    name: "holdfast_checkpoint_lag_entries",
    help: "Applied entries that a start would replay from the log.",
    labels: [],
  },
  checkpointLagBytes: {
    kind: "gauge",
    name: "holdfast_checkpoint_lag_bytes",
    help: "Bytes written to the log since the last checkpoint began.",
    labels: [],
  },
  statePendingBytes: {
    kind: "gauge",
    name: "holdfast_state_pending_bytes",
    help: "Applied state that is in memory alone until the next checkpoint.",
    labels: [],
  },
  // The block engine.
  blockPuts: {
    kind: "counter",
    name: "holdfast_block_puts_total",
    help: "Blocks that became durable.",
    labels: [],
  },
  blockPutBytes: {
    kind: "counter",
    name: "holdfast_block_put_bytes_total",
    help: "Bytes of blocks that became durable.",
    labels: [],
  },
  blockReads: {
    kind: "counter",
    name: "holdfast_block_reads_total",
    help: "Blocks that were read and verified, the scrubber's included.",
    labels: [],
  },
  blockReadBytes: {
    kind: "counter",
    name: "holdfast_block_read_bytes_total",
    help: "Bytes of blocks that were read and verified, the scrubber's included.",
    labels: [],
  },
  blockDamage: {
    kind: "counter",
    name: "holdfast_block_damage_found_total",
    help: "Blocks that a read found damaged since the process started.",
    labels: [],
  },
  blockSync: {
    kind: "histogram",
    name: "holdfast_block_sync_duration_seconds",
    help: "One write and sync of a group of blocks.",
    labels: [],
    buckets: "syncSeconds",
  },
  blockQueueBytes: {
    kind: "gauge",
    name: "holdfast_block_queue_bytes",
    help: "Bytes of blocks that wait for the disk or are being written.",
    labels: [],
  },
  blockCount: {
    kind: "gauge",
    name: "holdfast_blocks",
    help: "Blocks stored.",
    labels: [],
  },
  blockLiveBytes: {
    kind: "gauge",
    name: "holdfast_blocks_live_bytes",
    help: "Bytes of volumes that blocks take.",
    labels: [],
  },
  blockDeadBytes: {
    kind: "gauge",
    name: "holdfast_blocks_dead_bytes",
    help: "Bytes of volumes that compaction will give back.",
    labels: [],
  },
  blockVolumes: {
    kind: "gauge",
    name: "holdfast_block_volumes",
    help: "Volume files.",
    labels: [],
  },
  // Replicated blocks.
  replicatedPuts: {
    kind: "counter",
    name: "holdfast_replicated_puts_total",
    help: "Blocks to be stored in their slots: stored on a quorum; short of one; conflict with another body of the same id.",
    labels: ["outcome"],
  },
  replicatedHeldBytes: {
    kind: "gauge",
    name: "holdfast_replicated_held_bytes",
    help: "Bodies of blocks that are being stored in their slots, those included that wait for the last slots.",
    labels: [],
  },
  replicatedReadFailures: {
    kind: "counter",
    name: "holdfast_replicated_read_failures_total",
    help: "Blocks that no slot could give when they were read.",
    labels: [],
  },
  replicaConflicts: {
    kind: "counter",
    name: "holdfast_replica_conflicts_total",
    help: "Slots that hold another body than a block's: two attempts have one number. It must never happen.",
    labels: [],
  },
  replicaRepairs: {
    kind: "counter",
    name: "holdfast_replica_repairs_total",
    help: "Slots that a read found without their block, or with a damaged one, and that are to get it again.",
    labels: ["cause"],
  },
  incompleteBlocks: {
    kind: "gauge",
    name: "holdfast_incomplete_blocks",
    help: "Entries of this node's list of blocks that some slot lacks; an entry is one block and one slot.",
    labels: [],
  },
  completedBlocks: {
    kind: "counter",
    name: "holdfast_completed_blocks_total",
    help: "Entries taken from that list: copied, found in place after all, or dropped with their content.",
    labels: ["outcome"],
  },
  // Layout changes.
  backfilledBlocks: {
    kind: "counter",
    name: "holdfast_backfilled_blocks_total",
    help: "Blocks of slots that are new to this node: copied here; failed, when no old slot gave them whole or nobody could say whether they exist.",
    labels: ["outcome"],
  },
  backfilledBytes: {
    kind: "counter",
    name: "holdfast_backfilled_bytes_total",
    help: "Bytes of the blocks that were copied so.",
    labels: [],
  },
  backfillPartitions: {
    kind: "gauge",
    name: "holdfast_backfill_partitions",
    help: "Partitions, of all widths, that are new to this node and not complete yet.",
    labels: [],
  },
  droppedBlocks: {
    kind: "counter",
    name: "holdfast_dropped_blocks_total",
    help: "Blocks that have moved to other nodes: dropped here; kept, because too few of their slots hold them yet.",
    labels: ["outcome"],
  },
  // Work in the background.
  collectionDuration: {
    kind: "histogram",
    name: "holdfast_collection_duration_seconds",
    help: "One round of collection.",
    labels: [],
    buckets: "jobSeconds",
  },
  collectionFailures: {
    kind: "counter",
    name: "holdfast_collection_failures_total",
    help: "Rounds of collection that broke off; the next one goes on.",
    labels: [],
  },
  collectedBlocks: {
    kind: "counter",
    name: "holdfast_collected_blocks_total",
    help: "Blocks that collection erased.",
    labels: [],
  },
  collectedBytes: {
    kind: "counter",
    name: "holdfast_collected_bytes_total",
    help: "Bytes of blocks that collection erased.",
    labels: [],
  },
  compactedVolumes: {
    kind: "counter",
    name: "holdfast_compacted_volumes_total",
    help: "Volumes whose space compaction gave back.",
    labels: [],
  },
  compactedBytes: {
    kind: "counter",
    name: "holdfast_compacted_bytes_total",
    help: "Bytes of live blocks that compaction copied.",
    labels: [],
  },
  scrubFinished: {
    kind: "gauge",
    name: "holdfast_scrub_finished_timestamp_seconds",
    help: "When the last scrub finished, in seconds since 1970; 0 before the first one has.",
    labels: [],
  },
  scrubDamage: {
    kind: "gauge",
    name: "holdfast_scrub_damaged_blocks",
    help: "Damaged blocks of files that the last finished scrub found.",
    labels: [],
  },
  scrubStateProblems: {
    kind: "gauge",
    name: "holdfast_scrub_state_problems",
    help: "Damaged values and wrong digests of the state that the last finished scrub found.",
    labels: [],
  },
  // The network between nodes.
  // The cluster, as this node knows it.
  clusterNodes: {
    kind: "gauge",
    name: "holdfast_cluster_nodes",
    help: "Nodes of the cluster, this one included.",
    labels: [],
  },
  clusterNodesUp: {
    kind: "gauge",
    name: "holdfast_cluster_nodes_up",
    help: "Nodes of the cluster that this node has heard of lately, itself included.",
    labels: [],
  },
  clockAhead: {
    kind: "gauge",
    name: "holdfast_clock_ahead_seconds",
    help: "How far this node's clock is ahead of the median of the nodes'. Beyond 60 either way it neither leads nor says what time it is.",
    labels: [],
  },
  clusterLeaderlessGroups: {
    kind: "gauge",
    name: "holdfast_cluster_leaderless_groups",
    help: "Groups with a replica on this node of which it knows no leader: what they hold is not served.",
    labels: [],
  },
  stateDamagedReplicas: {
    kind: "gauge",
    name: "holdfast_state_damaged_replicas",
    help: "Replicas on this node whose state is damaged: not served here until they are loaded anew from other nodes.",
    labels: [],
  },
  stateReloads: {
    kind: "counter",
    name: "holdfast_state_reloads_total",
    help: "Replicas on this node that were loaded anew, for their state was damaged.",
    labels: [],
  },
  stateDigestsApart: {
    kind: "gauge",
    name: "holdfast_state_digests_apart",
    help: "Groups whose replicas hold different states at one index while no majority says which is right.",
    labels: [],
  },
  clusterJointPartitions: {
    kind: "gauge",
    name: "holdfast_cluster_joint_partitions",
    help: "Partitions that are moving, over all redundancies.",
    labels: [],
  },
  clusterLayoutEpoch: {
    kind: "gauge",
    name: "holdfast_cluster_layout_epoch",
    help: "Epoch of the newest layout that this node knows.",
    labels: [],
  },
  networkPeers: {
    kind: "gauge",
    name: "holdfast_network_peers",
    help: "Other nodes of the cluster that this node knows.",
    labels: [],
  },
  networkConnectedPeers: {
    kind: "gauge",
    name: "holdfast_network_connected_peers",
    help: "Other nodes with which this node has a connection for frames.",
    labels: [],
  },
  networkConnectionsLost: {
    kind: "counter",
    name: "holdfast_network_connections_lost_total",
    help: "Connections for frames that were made and ended.",
    labels: [],
  },
  networkConnectFailures: {
    kind: "counter",
    name: "holdfast_network_connect_failures_total",
    help: "Attempts to connect to another node for frames that failed.",
    labels: [],
  },
  networkRefusedConnections: {
    kind: "counter",
    name: "holdfast_network_refused_connections_total",
    help: "Connections from elsewhere that were refused, or ended for what they sent.",
    labels: ["reason"],
  },
  networkFrames: {
    kind: "counter",
    name: "holdfast_network_frames_total",
    help: "Frames that were taken to be sent, or received.",
    labels: ["direction"],
  },
  networkFrameBytes: {
    kind: "counter",
    name: "holdfast_network_frame_bytes_total",
    help: "Bytes of frames that were taken to be sent, or received, without their heads.",
    labels: ["direction"],
  },
  networkDroppedFrames: {
    kind: "counter",
    name: "holdfast_network_dropped_frames_total",
    help: "Frames that were not taken because too many bytes waited for the node.",
    labels: [],
  },
  networkQueueBytes: {
    kind: "gauge",
    name: "holdfast_network_queue_bytes",
    help: "Bytes of frames that wait to leave, for all nodes together.",
    labels: [],
  },
  networkExchanges: {
    kind: "counter",
    name: "holdfast_network_exchanges_total",
    help: "Exchanges with other nodes that ended, whole or broken, by who asked.",
    labels: ["side", "outcome"],
  },
  networkExchangesInFlight: {
    kind: "gauge",
    name: "holdfast_network_exchanges_in_flight",
    help: "Exchanges with other nodes that have not ended, those that wait for their turn included.",
    labels: ["side"],
  },
} as const;

/** All of them, to be checked and shown one by one. */
export const metricList: readonly Metric[] = Object.values(allMetrics);
