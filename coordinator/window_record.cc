#include "coordinator/window_record.h"

#include <algorithm>
#include <tuple>

namespace semlink::coordinator {
namespace {

auto Key(const v1::PairFailure& failure) {
  return std::make_tuple(failure.transmitter(), failure.receiver(), failure.stage());
}

}  // namespace

std::vector<v1::PairFailure> WindowRecord::failed() const {
  std::vector<v1::PairFailure> all;
  for (const auto& [node, report] : reports) {
    all.insert(all.end(), report.failed().begin(), report.failed().end());
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return Key(a) < Key(b); });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) { return Key(a) == Key(b); }),
            all.end());
  return all;
}

std::optional<v1::PairFailure::Stage> FailedStage(const std::vector<v1::PairFailure>& failed,
                                                  const v1::LinkRounds& link) {
  std::optional<v1::PairFailure::Stage> first;
  for (const v1::PairFailure& failure : failed) {
    if (failure.transmitter() != link.transmitter() || failure.receiver() != link.task()) continue;
    if (!first.has_value() || failure.stage() < *first) first = failure.stage();
  }
  return first;
}

const char* KindName(v1::WindowKind kind) {
  switch (kind) {
    case v1::TRAIN:
      return "train";
    case v1::EVALUATE:
      return "evaluate";
    default:
      return "infer";
  }
}

const char* Name(v1::PairFailure::Stage stage) {
  switch (stage) {
    case v1::PairFailure::REQUEST:
      return "request";
    case v1::PairFailure::FEATURES:
      return "features";
    case v1::PairFailure::GRADIENTS:
      return "gradients";
    default:
      return "unknown";
  }
}

}  // namespace semlink::coordinator
