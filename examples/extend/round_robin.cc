// A method: the links take turns. A round takes all links that the limits allow, in order, and
// starts one link further than the round before, so that each gets its turn. Which are worth it is
// never learned.
#include <set>

#include "common/scenario/extensions.h"

namespace semlink::extensions {
namespace {

std::vector<Link> AllLinks(const Scenario& scenario) {
  std::vector<Link> links;
  for (int k = 0; k < scenario.K(); ++k) {
    for (int m = 0; m < scenario.M(k); ++m) {
      for (int t = 0; t < scenario.T(); ++t) links.push_back({k, m, t});
    }
  }
  return links;
}

std::vector<Link> TakeTurns(const Scenario& scenario, const LimitOptions& limits, uint64_t turn,
                            RandomStream*) {
  const std::vector<Link> all = AllLinks(scenario);
  std::vector<std::set<int>> transmitters(scenario.T());  // by receiver: those that it draws on
  std::vector<int> served(scenario.K(), 0);               // by transmitter: its links
  std::vector<Link> links;
  for (size_t i = 0; i < all.size(); ++i) {
    const Link& link = all[(turn + i) % all.size()];
    std::set<int>& asked = transmitters[link.t];
    const bool one_too_many =
        asked.count(link.k) == 0 && asked.size() == static_cast<size_t>(limits.e_t);
    if (one_too_many || served[link.k] == limits.e_k) continue;
    asked.insert(link.k);
    ++served[link.k];
    links.push_back(link);
  }
  return links;
}

}  // namespace

Extension round_robin() {
  MethodRow row;
  row.name = "round_robin";
  row.encoder = EncoderRule::kGaussian;
  row.selection = SelectionRule::kFunction;
  row.constant_randomness = false;
  row.limits = LimitRule::kKept;
  row.rate = RateRule::kInformation;
  row.links = TakeTurns;
  Extension extension;
  extension.methods = {row};
  return extension;
}

}  // namespace semlink::extensions
