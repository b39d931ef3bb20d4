// The pictures of training: curves over windows, information plane, rate and relevance.
#ifndef SEMLINK_REPORT_CURVES_H_
#define SEMLINK_REPORT_CURVES_H_

#include <string>
#include <vector>

#include "report/groups.h"
#include "report/plot.h"
#include "report/table.h"

namespace semlink::report {

// A plot and its figures as a table.
struct Picture {
  Plot plot;
  ReportTable table;
};

// Loss, accuracy, rate, links, log-likelihood, entropy: what the runs recorded, over the windows.
// One line per group, a band where it has at least two seeds.
std::vector<Picture> TrainingCurves(const std::vector<Group>& groups);

// Sum-rate against N-CE while training, one trajectory per run (TADIB, Fig. 5).
Picture InformationPlane(const std::vector<Group>& groups);

// Sum-rate against N-CE of the trained models, one point per group, with the published points
// beside (TADIB, Fig. 4). Groups of a method that differ in beta alone are joined by a line.
Picture RateRelevance(const std::vector<Group>& groups);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_CURVES_H_
