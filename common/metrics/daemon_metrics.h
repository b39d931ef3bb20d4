// What every daemon can say about itself: its connections, its process, its node's last report.
#ifndef SEMLINK_COMMON_METRICS_DAEMON_METRICS_H_
#define SEMLINK_COMMON_METRICS_DAEMON_METRICS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/metrics/metrics_page.h"
#include "common/transport/grpc_transport.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

void AddTransportMetrics(const NodeId& self, const GrpcTransport& transport, MetricsPage* page);
// The part of it that grows with the number of peers.
void AddTrafficMetrics(const NodeId& self, const std::vector<v1::Traffic>& messages,
                       const std::vector<v1::Wire>& wires, MetricsPage* page);

// `started`: a date.
void AddProcessMetrics(absl::Time started, MetricsPage* page);

// Rate and coded size of a link that was active.
void AddLinkMetrics(const v1::LinkReport& link, MetricsPage* page);
// Figures of a receiver in a window; `task` is its label, left out if empty.
void AddReceiverMetrics(const NodeId& receiver, const std::string& task, const v1::Report& report,
                        MetricsPage* page);

// Keeps the last report of a transmitter or receiver. Thread-safe.
class ReportMetrics {
 public:
  explicit ReportMetrics(const NodeId& self) : self_(self) {}

  // To be called with every message that the node sends.
  void Sent(const v1::Message& message);

  void AddTo(MetricsPage* page) const;

 private:
  const NodeId self_;
  mutable absl::Mutex mutex_;
  std::optional<v1::Report> last_ ABSL_GUARDED_BY(mutex_);  // without its traffic
  uint64_t reports_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t without_link_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_METRICS_DAEMON_METRICS_H_
