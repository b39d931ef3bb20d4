// Sets of links as text, and all feasible ones of a small scenario: what TADIB section V gives a
// score.
//
// A set is feasible if every receiver draws on 1 to E_t transmitters and every transmitter serves
// at most E_k links (pom2dib eqs. 9 and 10).
#ifndef SEMLINK_COMMON_LINKS_LINK_SETS_H_
#define SEMLINK_COMMON_LINKS_LINK_SETS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/links/random_selection.h"

namespace semlink {

using LinkSet = std::vector<Link>;  // sorted by (k, m, t), each link once

// "1.3->1,2.2->1", numbered from 1; blanks around a link are allowed. An empty text is the empty
// set. INVALID_ARGUMENT says which part is no link, or is there twice.
absl::StatusOr<LinkSet> ParseLinks(const std::string& text);
// What ParseLinks reads; "" for the empty set.
std::string FormatLinks(const LinkSet& links);

// What would have to be otherwise for the set to keep the limits, as an expectation ("at most
// ...");
// "" if it keeps them. A receiver without a link is no reason: see the file's comment for what
// makes a set feasible beyond the limits.
std::string WhyInfeasible(const SelectionSpace& space, const LinkSet& links);

// The number of feasible sets. CountingCost of the space must be at most kMostCountingCost; the
// work is 2^receivers times that.
double CountLinkSets(const SelectionSpace& space);

// All of them, those with fewer links first, then in the order of their links. RESOURCE_EXHAUSTED
// if there are more than `most`.
absl::StatusOr<std::vector<LinkSet>> FeasibleLinkSets(const SelectionSpace& space, size_t most);

// The set with one link more, for every link that keeps the limits.
std::vector<LinkSet> WithOneMore(const SelectionSpace& space, const LinkSet& links);

}  // namespace semlink

#endif  // SEMLINK_COMMON_LINKS_LINK_SETS_H_
