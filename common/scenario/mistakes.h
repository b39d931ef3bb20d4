// The list of everything that is wrong in a scenario, so that a person mends it in one go.
#ifndef SEMLINK_COMMON_SCENARIO_MISTAKES_H_
#define SEMLINK_COMMON_SCENARIO_MISTAKES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace semlink {

class Mistakes {
 public:
  // "origin: path: found X; expected Y". `path` may be empty.
  void Add(const std::string& origin, const std::string& path, const std::string& found,
           const std::string& expected);
  // A line that is already whole.
  void AddLine(std::string line);

  bool empty() const { return lines_.empty(); }

  // OK, or INVALID_ARGUMENT with one line per mistake (the first 100 of them).
  absl::Status ToStatus() const;

 private:
  std::vector<std::string> lines_;
};

// Number of letters to insert, delete, replace, or swap with their neighbour to make `b` of `a`.
int EditDistance(const std::string& a, const std::string& b);

// The candidate that `word` most likely was meant to be, or "" if none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_MISTAKES_H_
