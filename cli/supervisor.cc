#include "cli/supervisor.h"

#include <algorithm>

namespace semlink::cli {

bool Supervisor::Died(const std::string& name, absl::Duration now) {
  Child& child = children_[name];
  if (child.restarts >= options_.max_restarts) return false;
  ++child.restarts;
  const bool settled = now - child.started >= options_.settled;
  const bool first = settled || child.delay == absl::ZeroDuration();
  child.delay = first ? options_.first : std::min(2 * child.delay, options_.longest);
  child.due = now + child.delay;
  child.dead = true;
  return true;
}

std::vector<std::string> Supervisor::TakeDue(absl::Duration now,
                                             const std::set<std::string>& held) {
  std::vector<std::string> due;
  for (auto& [name, child] : children_) {
    if (!child.dead || now < child.due || held.count(name) > 0) continue;
    child.dead = false;
    due.push_back(name);
  }
  return due;
}

bool Supervisor::waiting() const {
  return std::any_of(children_.begin(), children_.end(),
                     [](const auto& entry) { return entry.second.dead; });
}

void Supervisor::Stop() { children_.clear(); }

}  // namespace semlink::cli
