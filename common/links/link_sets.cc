#include "common/links/link_sets.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace semlink {
namespace {

// A number that a person gives, from 1; -1: it is none.
int IndexFromText(absl::string_view text) {
  const bool digits = std::all_of(text.begin(), text.end(),
                                  [](unsigned char c) -> bool { return absl::ascii_isdigit(c); });
  int number = 0;
  return digits && absl::SimpleAtoi(text, &number) && number >= 1 ? number - 1 : -1;
}

bool ParseLink(absl::string_view text, Link* link) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, "->");
  if (ends.size() != 2) return false;
  const std::vector<absl::string_view> source = absl::StrSplit(ends[0], '.');
  if (source.size() != 2) return false;
  *link = {IndexFromText(source[0]), IndexFromText(source[1]), IndexFromText(ends[1])};
  return link->k >= 0 && link->m >= 0 && link->t >= 0;
}

int ReceiversOf(const SelectionSpace& space) {
  return space.linked.empty() ? 0 : static_cast<int>(space.linked.front().size());
}

LinkSet LinksOf(const SelectionSpace& space) {
  LinkSet links;
  for (int k = 0; k < static_cast<int>(space.modalities.size()); ++k) {
    for (int m = 0; m < space.modalities[k]; ++m) {
      for (int t = 0; t < ReceiversOf(space); ++t) {
        if (space.linked[k][t]) links.push_back({k, m, t});
      }
    }
  }
  return links;
}

// Goes through the links in order, each left out or taken, and never beyond a limit.
class SetLister {
 public:
  SetLister(const SelectionSpace& space, size_t most)
      : space_(space),
        most_(most),
        all_(LinksOf(space)),
        served_(space.modalities.size(), 0),
        drawn_(ReceiversOf(space)) {}

  // One more than `most` if there are more.
  std::vector<LinkSet> List() {
    Extend(0);
    return std::move(sets_);
  }

 private:
  void Extend(size_t next) {
    if (sets_.size() > most_) return;
    if (next == all_.size()) {
      const bool served =
          std::all_of(drawn_.begin(), drawn_.end(), [](const auto& from) { return !from.empty(); });
      if (served) sets_.push_back(taken_);
      return;
    }
    Extend(next + 1);
    const Link& link = all_[next];
    std::map<int, int>& from = drawn_[link.t];
    const bool known = from.count(link.k) > 0;
    if (served_[link.k] >= space_.e_k) return;
    if (!known && static_cast<int>(from.size()) >= space_.e_t) return;
    ++served_[link.k];
    ++from[link.k];
    taken_.push_back(link);
    Extend(next + 1);
    taken_.pop_back();
    --served_[link.k];
    if (--from[link.k] == 0) from.erase(link.k);
  }

  const SelectionSpace& space_;
  const size_t most_;
  const LinkSet all_;
  LinkSet taken_;
  std::vector<int> served_;                // by transmitter: links
  std::vector<std::map<int, int>> drawn_;  // by receiver: links by transmitter
  std::vector<LinkSet> sets_;
};

}  // namespace

absl::StatusOr<LinkSet> ParseLinks(const std::string& text) {
  std::set<Link> links;
  if (absl::StripAsciiWhitespace(text).empty()) return LinkSet();
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    Link link;
    if (!ParseLink(part, &link)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", part, "' is no TRANSMITTER.MODALITY->RECEIVER, numbered from 1"));
    }
    if (!links.insert(link).second) {
      return absl::InvalidArgumentError(absl::StrCat(part, " is there twice"));
    }
  }
  return LinkSet(links.begin(), links.end());
}

std::string FormatLinks(const LinkSet& links) {
  return absl::StrJoin(links, ",", [](std::string* out, const Link& link) {
    absl::StrAppend(out, link.ToString());
  });
}

std::string WhyInfeasible(const SelectionSpace& space, const LinkSet& links) {
  std::map<int, int> served;
  std::map<int, std::set<int>> drawn;
  for (const Link& link : links) {
    if (link.k >= static_cast<int>(space.modalities.size())) {
      return absl::StrCat("at most ", space.modalities.size(), " transmitters (", link.ToString(),
                          ")");
    }
    if (link.m >= space.modalities[link.k]) {
      return absl::StrCat("at most ", space.modalities[link.k], " modalities of transmitter ",
                          link.k + 1, " (", link.ToString(), ")");
    }
    if (link.t >= ReceiversOf(space)) {
      return absl::StrCat("at most ", ReceiversOf(space), " receivers (", link.ToString(), ")");
    }
    if (!space.linked[link.k][link.t]) return absl::StrCat("a pair without ", link.ToString());
    if (++served[link.k] > space.e_k) {
      return absl::StrCat("at most E_k = ", space.e_k, " links of transmitter ", link.k + 1);
    }
    drawn[link.t].insert(link.k);
    if (static_cast<int>(drawn[link.t].size()) > space.e_t) {
      return absl::StrCat("at most E_t = ", space.e_t, " transmitters for receiver ", link.t + 1);
    }
  }
  return "";
}

double CountLinkSets(const SelectionSpace& space) {
  const int receivers = ReceiversOf(space);
  double count = 0;
  // Inclusion and exclusion over the receivers that get nothing.
  for (uint32_t silent = 0; silent < (uint32_t{1} << receivers); ++silent) {
    SelectionSpace part = space;
    for (std::vector<bool>& of_transmitter : part.linked) {
      for (int t = 0; t < receivers; ++t) {
        if ((silent >> t) & 1) of_transmitter[t] = false;
      }
    }
    const double ways = FeasibleSelections(std::move(part)).count();
    count += __builtin_popcount(silent) % 2 == 0 ? ways : -ways;
  }
  return count;
}

absl::StatusOr<std::vector<LinkSet>> FeasibleLinkSets(const SelectionSpace& space, size_t most) {
  std::vector<LinkSet> sets = SetLister(space, most).List();
  if (sets.size() > most) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are more than ", most, " feasible sets of links"));
  }
  std::sort(sets.begin(), sets.end(), [](const LinkSet& a, const LinkSet& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return sets;
}

std::vector<LinkSet> WithOneMore(const SelectionSpace& space, const LinkSet& links) {
  std::vector<LinkSet> larger;
  for (const Link& link : LinksOf(space)) {
    if (std::binary_search(links.begin(), links.end(), link)) continue;
    LinkSet set = links;
    set.insert(std::upper_bound(set.begin(), set.end(), link), link);
    if (WhyInfeasible(space, set).empty()) larger.push_back(std::move(set));
  }
  return larger;
}

}  // namespace semlink
