#include "common/scenario/mistakes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace semlink {

void Mistakes::Add(const std::string& origin, const std::string& path, const std::string& found,
                   const std::string& expected) {
  AddLine(absl::StrCat(origin, ": ", path, path.empty() ? "" : ": ", "found ", found, "; expected ",
                       expected));
}

void Mistakes::AddLine(std::string line) { lines_.push_back(std::move(line)); }

absl::Status Mistakes::ToStatus() const {
  constexpr size_t kMaxLines = 100;
  if (lines_.empty()) return absl::OkStatus();
  const size_t shown = std::min(lines_.size(), kMaxLines);
  std::string text = absl::StrJoin(lines_.begin(), lines_.begin() + shown, "\n");
  if (shown < lines_.size()) absl::StrAppend(&text, "\nand ", lines_.size() - shown, " more");
  return absl::InvalidArgumentError(text);
}

int EditDistance(const std::string& a, const std::string& b) {
  const size_t n = a.size(), m = b.size();
  std::vector<std::vector<int>> cost(n + 1, std::vector<int>(m + 1));
  for (size_t i = 0; i <= n; ++i) cost[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= m; ++j) cost[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= n; ++i) {
    for (size_t j = 1; j <= m; ++j) {
      const int replace = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      cost[i][j] = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[n][m];
}

std::string Nearest(const std::string& word, const std::vector<std::string>& candidates) {
  constexpr size_t kMaxWord = 64;
  if (word.size() > kMaxWord) return "";
  std::string best;
  // A third of the letters may be wrong, and always two: "et" is near "e_t", "wibble" is near
  // nothing.
  int best_distance = std::max<int>(2, static_cast<int>(word.size()) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (distance < best_distance && distance < static_cast<int>(candidate.size())) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace semlink
