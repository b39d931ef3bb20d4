#include "common/scenario/validate.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/links/link_sets.h"
#include "common/links/random_selection.h"
#include "common/scenario/faults.h"
#include "common/scenario/method_table.h"

namespace semlink {
namespace {

class Validator {
 public:
  Validator(const Scenario& scenario, const YamlNode& document, Mistakes* mistakes)
      : s_(scenario), document_(document), mistakes_(mistakes) {}

  void CheckNodes() {
    const int64_t links = static_cast<int64_t>(s_.J()) * s_.T();
    if (links > kMaxLinks) {
      Wrong("transmitters",
            absl::StrCat(s_.J(), " modalities for ", s_.T(), " receivers, ", links, " links"),
            absl::StrCat("at most ", kMaxLinks, " links"));
    }
    if (s_.K() > 0 && s_.limits.e_t > s_.K()) {
      Wrong("limits.e_t", absl::StrCat(s_.limits.e_t),
            absl::StrCat("at most K, the number of transmitters (", s_.K(), ")"));
    }
  }

  void CheckMessageSize() {
    int modalities = 0;
    for (int k = 0; k < s_.K(); ++k) modalities = std::max(modalities, s_.M(k));
    const int64_t bytes = int64_t{4} * s_.model.embedding * s_.training.rounds_per_window *
                          s_.training.batch_size * modalities;
    if (bytes > kMaxFeatureBytes) {
      Wrong("training.rounds_per_window",
            absl::StrCat(s_.training.rounds_per_window, " rounds of ", s_.training.batch_size,
                         " samples, ", bytes >> 20, " MiB of features in one message"),
            absl::StrCat("at most ", kMaxFeatureBytes >> 20,
                         " MiB: fewer rounds, a smaller batch or embedding"));
    }
  }

  void CheckData() {
    if (s_.data.source == DataSource::kAvMnist && s_.data.root.empty()) {
      Wrong("data.root", "nothing",
            "the folder with mnist/ and fsdd/ (--set data.root=DIR): data.source is av_mnist");
    }
    if (s_.data.train_samples > 0 && s_.data.train_samples < s_.training.batch_size) {
      Wrong("data.train_samples", absl::StrCat(s_.data.train_samples),
            absl::StrCat("0 (all) or at least training.batch_size (", s_.training.batch_size, ")"));
    }
    if (s_.data.test_samples > 0 && s_.evaluation.samples > s_.data.test_samples) {
      Wrong("evaluation.samples", absl::StrCat(s_.evaluation.samples),
            absl::StrCat("at most data.test_samples (", s_.data.test_samples, ")"));
    }
  }

  // Keys that contradict the row of the method: the run would bear a wrong name.
  void CheckMethod() {
    const MethodRow* method = FindMethod(s_.method.name);
    if (method == nullptr) return;  // the reader has said so
    if (method->constant_randomness && s_.common_randomness.source != CrSource::kConstant) {
      Wrong("common_randomness.source", "a source that changes",
            absl::StrCat("constant: method.name is ", s_.method.name));
    }
    const bool entropy = method->rate == RateRule::kCodeEntropy;
    if (entropy != (s_.rate.estimator == RateEstimator::kKnnEntropy)) {
      Wrong("rate.estimator",
            entropy ? "an estimate of I(X;Z), which is infinite for deterministic encoders"
                    : "knn_entropy, which is no rate of a Gaussian encoder",
            absl::StrCat(entropy ? "knn_entropy" : "marginal or joint", ": method.name is ",
                         s_.method.name));
    }
    CheckRandomSelection(*method);
    CheckLinks(*method);
  }

 private:
  void CheckRandomSelection(const MethodRow& method) {
    if (method.selection != SelectionRule::kRandom &&
        method.selection != SelectionRule::kRandomOnce &&
        method.selection != SelectionRule::kRanked) {
      return;
    }
    if (CountingCost(LimitsInForce(s_).e_t, s_.K(), s_.T()) > kMostCountingCost) {
      Wrong(
          "receivers", absl::StrCat(s_.T(), " of them with E_t = ", s_.limits.e_t),
          absl::StrCat("fewer receivers or a lower limits.e_t: ", s_.method.name,
                       " counts all feasible selections, in about K (2 E_t + 2)^T steps, at most ",
                       kMostCountingCost));
    }
  }

  void CheckLinks(const MethodRow& method) {
    const bool listed = method.selection == SelectionRule::kListed;
    const std::vector<Link>& links = s_.method.links;
    if (listed == links.empty()) {
      Wrong("method.links", listed ? "nothing" : FormatLinks(links),
            absl::StrCat(listed ? "its links, as in \"1.3->1,2.2->1\": method.name is "
                                : "none: they are those of fixed, and method.name is ",
                         s_.method.name));
      return;
    }
    if (!listed) return;
    const std::string why = WhyInfeasible(SpaceInForce(s_), links);
    if (!why.empty()) Wrong("method.links", FormatLinks(links), why);
  }

  void Wrong(const std::string& path, const std::string& found, const std::string& expected) {
    mistakes_->Add(OriginOf(path), path, found, expected);
  }

  // Where the value was written, or else the group in which it is missing.
  std::string OriginOf(std::string path) const {
    while (!path.empty()) {
      if (const YamlNode* node = FindAtPath(document_, path)) return node->origin;
      const size_t dot = path.rfind('.');
      path.resize(dot == std::string::npos ? 0 : dot);
    }
    return document_.origin;
  }

  const Scenario& s_;
  const YamlNode& document_;
  Mistakes* mistakes_;
};

}  // namespace

void ValidateCombinations(const Scenario& scenario, const YamlNode& document, Mistakes* mistakes) {
  Validator validator(scenario, document, mistakes);
  validator.CheckNodes();
  validator.CheckMessageSize();
  validator.CheckData();
  validator.CheckMethod();
  CheckFaultNodes(scenario, document, mistakes);
}

}  // namespace semlink
