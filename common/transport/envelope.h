// Message.sequence and Message.checksum: what makes a loss, a repeat or a damage on the way
// visible.
#ifndef SEMLINK_COMMON_TRANSPORT_ENVELOPE_H_
#define SEMLINK_COMMON_TRANSPORT_ENVELOPE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// CRC-32 (zlib) of the serialised message with checksum 0.
uint32_t Checksum(const v1::Message& message);

// Sets the checksum; the sequence must be set before.
void SealMessage(v1::Message* message);

// Watches one direction of one stream. Not thread-safe.
class IncomingOrder {
 public:
  // Checks the next message to arrive and takes its sequence and checksum off, so that it has the
  // same bytes as in process. True if it is new, false if it is a repeat. UNAVAILABLE, naming what
  // is missing or damaged, if the stream can't go on. A heartbeat is new unless it tells of a loss.
  absl::StatusOr<bool> Check(v1::Message* message);

  uint64_t last() const { return last_; }

 private:
  uint64_t last_ = 0;  // sequence of the last new message
};

}  // namespace semlink

#endif  // SEMLINK_COMMON_TRANSPORT_ENVELOPE_H_
