// Messages of peers for an attempt at a window that this node has not opened yet, or can't answer
// yet: they travel on other streams than the coordinator's word, and may overtake it.
#ifndef SEMLINK_COMMON_METHOD_EARLY_MESSAGES_H_
#define SEMLINK_COMMON_METHOD_EARLY_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "semlink/v1/message.pb.h"

namespace semlink::method {

class EarlyMessages {
 public:
  struct Entry {
    int peer = 0;
    v1::Message message;
    size_t bytes = 0;
  };

  // Keeps a copy. What the same peer sent for an earlier attempt is dropped: it has moved on.
  // INVALID_ARGUMENT if too much is kept already.
  absl::Status Keep(int peer, const v1::Message& message);

  // Takes what was kept for `attempt`, in the order in which it came, and drops what is older.
  std::deque<Entry> Take(uint64_t attempt);

 private:
  std::deque<Entry> entries_;
};

}  // namespace semlink::method

#endif  // SEMLINK_COMMON_METHOD_EARLY_MESSAGES_H_
