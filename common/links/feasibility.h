// The feasibility kernel and the check of the link limits (pom2dib section VII-A; design section 3,
// "Keeping the limits").
#ifndef SEMLINK_COMMON_LINKS_FEASIBILITY_H_
#define SEMLINK_COMMON_LINKS_FEASIBILITY_H_

#include <map>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/base/rng.h"
#include "semlink/v1/message.pb.h"

namespace semlink {

// A transmitter with more than e_k links in a round keeps a uniformly random e_k of them; the order
// is kept. Returns the indices kept, ascending.
std::vector<int> TrimToLimit(int links, int e_k, RandomStream& stream);

// What may be claimed: the numbers the check below needs from the scenario and the membership.
struct LinkLimits {
  int e_t = 0;
  int e_k = 0;
  std::vector<int> modalities;       // M(k) by transmitter
  int receivers = 0;                 // T
  std::vector<bool> transmitter_up;  // by k
  std::vector<bool> receiver_up;     // by t
};

enum class RefusalReason {
  kUnknownLink,       // no such transmitter, modality or task
  kRound,             // round out of range, repeated or out of order
  kForeign,           // claimed by another transmitter than the one named
  kDuplicate,         // the same link and round twice
  kMemberDown,        // an end of the link is not up
  kTransmitterLimit,  // would exceed E_k
  kReceiverLimit,     // would exceed E_t
};
const char* Name(RefusalReason reason);

struct Decision {
  // Granted links, sorted by (transmitter, modality, task), rounds ascending; links without a round
  // are left out.
  std::vector<v1::LinkRounds> granted;
  // Refused (link, round) pairs by reason.
  std::map<RefusalReason, int> refused;
};

// Decides over the claims of a whole window at once. claims[k] is transmitter k's claim (empty if
// it is down or had none). Claims are taken in the order of transmitter, task, modality within each
// round, so the decision depends on the claims alone, not on their arrival. Never grants more than
// E_t or E_k. Pure.
Decision DecideClaims(const LinkLimits& limits, int rounds, const std::vector<v1::Claim>& claims);

}  // namespace semlink

#endif  // SEMLINK_COMMON_LINKS_FEASIBILITY_H_
