#include "common/method/shared_selection.h"

#include <algorithm>
#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace semlink::method {
namespace {

using Linked = std::vector<std::vector<bool>>;  // [K][T]

Linked LinkedPairs(const Scenario& scenario, const WindowPlan& plan) {
  Linked linked(scenario.K(), std::vector<bool>(scenario.T()));
  for (int k = 0; k < scenario.K(); ++k) {
    for (int t = 0; t < scenario.T(); ++t) linked[k][t] = plan.linked(k, t);
  }
  return linked;
}

std::vector<Link> AllLinks(const Scenario& scenario) {
  std::vector<Link> links;
  for (int k = 0; k < scenario.K(); ++k) {
    for (int m = 0; m < scenario.M(k); ++m) {
      for (int t = 0; t < scenario.T(); ++t) links.push_back({k, m, t});
    }
  }
  return links;
}

// Streams of what is drawn for a session or for the run, apart from every window number.
constexpr uint64_t kSession = uint64_t{1} << 63;
constexpr uint64_t kRun = uint64_t{1} << 62;

void DropUnlinked(const Linked& linked, std::vector<Link>* links) {
  const auto gone = [&](const Link& link) { return !linked[link.k][link.t]; };
  links->erase(std::remove_if(links->begin(), links->end(), gone), links->end());
}

}  // namespace

bool MeasuresLinks(const Scenario& scenario, const WindowPlan& plan) {
  return MethodOf(scenario).selection == SelectionRule::kRanked && plan.train() &&
         plan.progress < scenario.method.measuring_share;
}

SelectionRule RuleOf(const Scenario& scenario, const WindowPlan& plan) {
  return MeasuresLinks(scenario, plan) ? SelectionRule::kRandom : MethodOf(scenario).selection;
}

const FeasibleSelections& SharedSelection::Space(const Linked& linked) {
  if (selections_ == nullptr || selections_->space().linked != linked) {
    SelectionSpace space = SpaceInForce(scenario_);
    space.linked = linked;
    selections_ = std::make_unique<FeasibleSelections>(std::move(space));
  }
  return *selections_;
}

std::vector<Link> SharedSelection::Named(uint64_t turn, RandomStream stream) const {
  std::vector<Link> links =
      MethodOf(scenario_).links(scenario_, LimitsInForce(scenario_), turn, &stream);
  std::sort(links.begin(), links.end());
  links.erase(std::unique(links.begin(), links.end()), links.end());
  for (const Link& link : links) {
    const bool known = link.k >= 0 && link.k < scenario_.K() && link.m >= 0 &&
                       link.m < scenario_.M(link.k) && link.t >= 0 && link.t < scenario_.T();
    if (!known) {
      throw std::out_of_range(absl::StrCat("method ", scenario_.method.name, ": link ",
                                           link.ToString(), ", which the scenario does not have"));
    }
  }
  return links;
}

std::vector<std::vector<Link>> SharedSelection::Draw(const WindowPlan& plan, SelectionRule rule) {
  const Linked linked = LinkedPairs(scenario_, plan);
  const size_t rounds = plan.rounds.size();
  std::vector<std::vector<Link>> links;
  if (rule == SelectionRule::kRandom && plan.train()) {
    for (uint32_t r = 0; r < rounds; ++r) {
      RandomStream stream(plan.seed, Purpose::kLinkSelection, plan.window, r);
      links.push_back(Space(linked).Draw(stream));
    }
    return links;
  }
  if (rule == SelectionRule::kFunction && plan.train()) {
    for (uint32_t r = 0; r < rounds; ++r) {
      links.push_back(Named(plan.window * rounds + r,
                            RandomStream(plan.seed, Purpose::kLinkSelection, plan.window, r)));
      DropUnlinked(linked, &links.back());
    }
    return links;
  }
  std::vector<Link> all;
  if (rule == SelectionRule::kRandom) {
    RandomStream stream(plan.seed, Purpose::kLinkSelection, kSession | plan.draw);
    all = Space(linked).Draw(stream);
  } else if (rule == SelectionRule::kRandomOnce) {
    RandomStream stream(plan.seed, Purpose::kLinkSelection, kRun);
    all = Space(Linked(scenario_.K(), std::vector<bool>(scenario_.T(), true))).Draw(stream);
  } else if (rule == SelectionRule::kFunction) {
    all = Named(plan.draw, RandomStream(plan.seed, Purpose::kLinkSelection, kSession | plan.draw));
  } else if (rule == SelectionRule::kListed) {
    all = scenario_.method.links;
  } else {
    all = AllLinks(scenario_);
  }
  DropUnlinked(linked, &all);
  links.assign(rounds, all);
  return links;
}

}  // namespace semlink::method
