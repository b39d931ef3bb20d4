// Every metric that a daemon of semlink serves. docs/metrics.md is this table, for people.
#ifndef SEMLINK_COMMON_METRICS_METRIC_TABLE_H_
#define SEMLINK_COMMON_METRICS_METRIC_TABLE_H_

#include <string>
#include <vector>

namespace semlink {

enum class MetricType { kCounter, kGauge, kHistogram };

// Names and units as Prometheus wants them: base units (seconds, bytes), shares from 0 to 1 as
// _ratio, counters end in _total. Information is in nats, which has no base unit there.
//
// Labels have few values: transmitter, receiver and modality are numbers from 1; task is the
// scenario's name of the receiver's task, and only the coordinator gives it; direction is sent or
// received, as seen by the process that serves it. The control stream of a node has only one of
// transmitter and receiver.
struct MetricSpec {
  const char* name;
  MetricType type;
  const char* labels;  // "transmitter, receiver"
  const char* served;  // by which daemons
  const char* help;
};

namespace metrics {

#define SEMLINK_EACH "all"
#define SEMLINK_RUN "coordinator"
#define SEMLINK_RX "receiver, coordinator"
#define SEMLINK_TX "transmitter, coordinator"

// What connections carry.
inline constexpr MetricSpec kMessageBytes = {
    "semlink_message_bytes_total", MetricType::kCounter, "transmitter, receiver, kind, direction",
    SEMLINK_EACH, "Bytes of serialised messages (kind: request, feature, gradient, control)."};
inline constexpr MetricSpec kMessages = {"semlink_messages_total", MetricType::kCounter,
                                         "transmitter, receiver, kind, direction", SEMLINK_EACH,
                                         "Messages, by the same labels."};
inline constexpr MetricSpec kWireBytes = {
    "semlink_wire_bytes_total", MetricType::kCounter, "transmitter, receiver, direction",
    SEMLINK_EACH, "Bytes on the wire by the kernel's account of TCP, headers estimated."};
inline constexpr MetricSpec kWirePayload = {
    "semlink_wire_payload_bytes_total", MetricType::kCounter, "transmitter, receiver, direction",
    SEMLINK_EACH, "Of these, bytes above TCP; sent ones with retransmissions."};
inline constexpr MetricSpec kWireSegments = {"semlink_wire_segments_total", MetricType::kCounter,
                                             "transmitter, receiver, direction", SEMLINK_EACH,
                                             "TCP segments, acknowledgements included."};
inline constexpr MetricSpec kRetransmitted = {
    "semlink_retransmitted_bytes_total", MetricType::kCounter, "transmitter, receiver",
    SEMLINK_EACH, "Bytes that this process's kernel sent again."};
inline constexpr MetricSpec kRoundTrip = {"semlink_round_trip_seconds", MetricType::kGauge,
                                          "transmitter, receiver", SEMLINK_EACH,
                                          "TCP's smoothed round trip."};
inline constexpr MetricSpec kConnections = {"semlink_connections_total", MetricType::kCounter,
                                            "transmitter, receiver", SEMLINK_EACH,
                                            "TCP connections with that peer so far."};
inline constexpr MetricSpec kRefusals = {
    "semlink_refusals_total", MetricType::kCounter, "reason", SEMLINK_EACH,
    "What was refused: by the transport (reason: transport), Hellos for their certificates among "
    "it, or because too much of one peer waited (mailbox_full); at the coordinator also links and "
    "messages (as in the ledger), and callers by their "
    "certificates."};

// What links carry. Of the last committed window (coordinator) or the last report (nodes).
inline constexpr MetricSpec kLinkActive = {
    "semlink_link_active_ratio", MetricType::kGauge, "transmitter, modality, receiver", SEMLINK_RUN,
    "Share of the window's rounds in which the link was active."};
inline constexpr MetricSpec kLinkRate = {"semlink_link_rate_nats", MetricType::kGauge,
                                         "transmitter, modality, receiver", SEMLINK_TX,
                                         "Information rate I(X;Z) of a link, nats per sample."};
inline constexpr MetricSpec kLinkCoded = {
    "semlink_link_coded_bytes", MetricType::kGauge, "transmitter, modality, receiver", SEMLINK_TX,
    "Coded size of a link, bytes per sample (the ledger has bits)."};

// What is learnt. Of the last window.
inline constexpr MetricSpec kLoss = {"semlink_loss_nats", MetricType::kGauge, "receiver, task",
                                     SEMLINK_RX, "Mean loss L_t over the rounds."};
inline constexpr MetricSpec kCrossEntropy = {"semlink_cross_entropy_nats", MetricType::kGauge,
                                             "receiver, task", SEMLINK_RX,
                                             "Mean cross-entropy of the fused decoder."};
inline constexpr MetricSpec kAccuracy = {"semlink_accuracy_ratio", MetricType::kGauge,
                                         "receiver, task", SEMLINK_RX,
                                         "Correctly classified samples of the window."};
inline constexpr MetricSpec kSelectionEntropy = {"semlink_selection_entropy_nats",
                                                 MetricType::kGauge, "receiver, task", SEMLINK_RX,
                                                 "Entropy of the receiver's selection, mean over "
                                                 "the rounds."};
inline constexpr MetricSpec kRequested = {"semlink_requested_ratio", MetricType::kGauge,
                                          "transmitter, receiver", SEMLINK_RX,
                                          "Share of the rounds in which the receiver asked for the "
                                          "transmitter."};
inline constexpr MetricSpec kWithoutLink = {"semlink_rounds_without_link_total",
                                            MetricType::kCounter, "receiver, task", SEMLINK_RX,
                                            "Rounds in which the receiver had no link."};

// The course of a run.
inline constexpr MetricSpec kReports = {"semlink_windows_reported_total", MetricType::kCounter, "",
                                        "transmitter, receiver",
                                        "Windows that this process has reported on."};
inline constexpr MetricSpec kReportCpu = {"semlink_window_cpu_seconds", MetricType::kGauge, "",
                                          SEMLINK_EACH,
                                          "CPU time spent on the last window; at the coordinator "
                                          "that of all nodes."};
inline constexpr MetricSpec kCommitted = {"semlink_windows_committed_total", MetricType::kCounter,
                                          "kind", SEMLINK_RUN,
                                          "Windows committed by this process (kind: train, "
                                          "evaluate, infer)."};
inline constexpr MetricSpec kAborted = {"semlink_windows_aborted_total", MetricType::kCounter, "",
                                        SEMLINK_RUN, "Attempts at windows that did not count."};
inline constexpr MetricSpec kWindowSeconds = {"semlink_window_seconds", MetricType::kHistogram,
                                              "kind", SEMLINK_RUN,
                                              "From the opening of a window to its commit."};
inline constexpr MetricSpec kRunWindows = {"semlink_run_windows", MetricType::kGauge, "",
                                           SEMLINK_RUN,
                                           "Windows of the run that are committed, also by "
                                           "processes before this one."};
inline constexpr MetricSpec kRunPlanned = {"semlink_run_windows_planned", MetricType::kGauge, "",
                                           SEMLINK_RUN, "Windows of the whole run."};
inline constexpr MetricSpec kCheckpoint = {"semlink_checkpoint_window", MetricType::kGauge, "",
                                           SEMLINK_RUN, "Window of the last complete checkpoint."};
inline constexpr MetricSpec kNodeUp = {"semlink_node_up", MetricType::kGauge,
                                       "transmitter, receiver", SEMLINK_RUN,
                                       "1 if the node is connected, else 0; one of the labels."};
inline constexpr MetricSpec kPairUp = {"semlink_pair_up", MetricType::kGauge,
                                       "transmitter, receiver", SEMLINK_RUN,
                                       "1 if the pair has a data stream, else 0."};
inline constexpr MetricSpec kPairFailures = {
    "semlink_pair_failures_total", MetricType::kCounter, "transmitter, receiver, kind", SEMLINK_RUN,
    "Committed windows in which the pair failed (kind: request, features, "
    "gradients)."};
inline constexpr MetricSpec kFaults = {"semlink_faults_active", MetricType::kGauge, "kind",
                                       SEMLINK_RUN, "Injected faults."};

// The process itself, by the names that every program uses.
inline constexpr MetricSpec kCpu = {"process_cpu_seconds_total", MetricType::kCounter, "",
                                    SEMLINK_EACH, "CPU time of all threads."};
inline constexpr MetricSpec kMemory = {"process_resident_memory_bytes", MetricType::kGauge, "",
                                       SEMLINK_EACH, "Resident memory."};
inline constexpr MetricSpec kStarted = {"process_start_time_seconds", MetricType::kGauge, "",
                                        SEMLINK_EACH, "When the process started, Unix time."};

#undef SEMLINK_EACH
#undef SEMLINK_RUN
#undef SEMLINK_RX
#undef SEMLINK_TX

}  // namespace metrics

// All of them, in the order above.
const std::vector<MetricSpec>& AllMetrics();

// "counter", "gauge", "histogram".
const char* Name(MetricType type);

// The table of docs/metrics.md: a head and one line per metric, each ended by a newline.
std::string MetricTableMarkdown();

}  // namespace semlink

#endif  // SEMLINK_COMMON_METRICS_METRIC_TABLE_H_
