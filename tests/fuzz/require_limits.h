// What every grant has to keep, whoever decided it.
#ifndef SEMLINK_TESTS_FUZZ_REQUIRE_LIMITS_H_
#define SEMLINK_TESTS_FUZZ_REQUIRE_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "semlink/v1/message.pb.h"
#include "tests/fuzz/fuzz.h"

namespace semlink::fuzz {

// In no round has a transmitter more than e_k links or a receiver more than e_t transmitters.
// Links: any container of v1::LinkRounds, those of one window.
template <typename Links>
void RequireLimits(const Links& links, int e_t, int e_k) {
  std::map<std::pair<uint32_t, uint32_t>, int> served;                   // by (k, round)
  std::map<std::pair<uint32_t, uint32_t>, std::set<uint32_t>> drawn_on;  // by (t, round)
  for (const v1::LinkRounds& link : links) {
    for (uint32_t r : link.round()) {
      Require(++served[{link.transmitter(), r}] <= e_k, "no transmitter exceeds E_k");
      std::set<uint32_t>& transmitters = drawn_on[{link.task(), r}];
      transmitters.insert(link.transmitter());
      Require(transmitters.size() <= static_cast<size_t>(e_t), "no receiver exceeds E_t");
    }
  }
}

}  // namespace semlink::fuzz

#endif  // SEMLINK_TESTS_FUZZ_REQUIRE_LIMITS_H_
