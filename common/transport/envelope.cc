#include "common/transport/envelope.h"

#include <zlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/transport/protocol.h"

namespace semlink {
namespace {

absl::Status Missing(uint64_t first, uint64_t last, const std::string& seen_by) {
  const std::string which = first == last
                                ? absl::StrCat("message ", first, " is missing")
                                : absl::StrCat("messages ", first, " to ", last, " are missing");
  return absl::UnavailableError(absl::StrCat(which, ": ", seen_by));
}

}  // namespace

uint32_t Checksum(const v1::Message& message) {
  if (message.checksum() != 0) {
    v1::Message without = message;
    without.clear_checksum();
    return Checksum(without);
  }
  const std::string bytes = message.SerializeAsString();
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

void SealMessage(v1::Message* message) {
  message->clear_checksum();
  message->set_checksum(Checksum(*message));
}

absl::StatusOr<bool> IncomingOrder::Check(v1::Message* message) {
  const uint32_t checksum = message->checksum();
  message->clear_checksum();
  const std::string name = MessageName(*message);
  const uint64_t sequence = message->sequence();
  if (checksum != Checksum(*message)) {
    return absl::UnavailableError(
        absl::StrCat("message ", last_ + 1, " came damaged: ", name, " with a wrong checksum"));
  }
  message->clear_sequence();
  if (message->has_heartbeat()) {
    const uint64_t sent = message->heartbeat().sent();
    if (sent <= last_) return true;
    return Missing(last_ + 1, sent, absl::StrCat("the peer has sent ", sent));
  }
  if (sequence <= last_) return false;
  if (sequence != last_ + 1) {
    return Missing(last_ + 1, sequence - 1,
                   absl::StrCat("message ", sequence, " came (", name, ")"));
  }
  last_ = sequence;
  return true;
}

}  // namespace semlink
