// One direction of one link under faults.
#ifndef SEMLINK_COMMON_FAULTS_FAULT_LINE_H_
#define SEMLINK_COMMON_FAULTS_FAULT_LINE_H_

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/base/rng.h"
#include "common/faults/injector.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A message that leaves the line.
struct InTransit {
  v1::Message message;
  bool lost = false;                    // it had its place in the order, but does not arrive
  std::optional<RandomStream> corrupt;  // damage it with CorruptMessage once it has its checksum
};

// Loses, holds back, doubles and swaps messages as the injector decides. Order is kept, but for
// swaps. Once no fault is on the link any more, what is held goes at once. Not thread-safe; `now`
// never goes back.
class FaultLine {
 public:
  // How long a message that is to be swapped waits for its successor.
  static constexpr absl::Duration kSwapWait = absl::Milliseconds(200);

  // `injector` must outlive the line; null: no faults ever.
  explicit FaultLine(FaultInjector* injector) : injector_(injector) {}

  // Until then nothing happens to messages.
  void SetLink(const NodeId& from, const NodeId& to);

  // Whether nothing passes now.
  bool IsCut() const;

  // A message enters; what may leave now is appended to `out`.
  void Push(v1::Message message, absl::Duration now, std::deque<InTransit>* out);
  // Time has passed.
  void Release(absl::Duration now, std::deque<InTransit>* out);
  // Everything that is held leaves.
  void Flush(std::deque<InTransit>* out);
  // Everything that is held is forgotten.
  void Clear();

  // When Release has something to do; InfiniteDuration if nothing is held.
  absl::Duration next() const;

 private:
  struct Held {
    InTransit what;
    bool twice = false;
    absl::Duration until;
  };

  static void Emit(Held held, std::deque<InTransit>* out);
  void Enqueue(Held held);
  // Asks the injector again if its faults have changed.
  bool Concerned();

  FaultInjector* const injector_;
  std::optional<NodeId> from_;
  NodeId to_;
  std::optional<uint64_t> version_;  // of the faults that concerned_ is about
  bool concerned_ = false;
  std::deque<Held> held_;
  std::optional<Held> swapped_;   // waits for its successor; its `until` is when it goes anyway
  absl::Duration swapped_until_;  // when it could have left but for the swap
  absl::Duration free_at_;        // throttle: when the link has carried what was pushed
  absl::Duration last_;           // when the last message in held_ leaves
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_FAULT_LINE_H_
