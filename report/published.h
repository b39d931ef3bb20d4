// What the papers report, to be shown beside our figures.
#ifndef SEMLINK_REPORT_PUBLISHED_H_
#define SEMLINK_REPORT_PUBLISHED_H_

#include <vector>

#include "report/statistics.h"

namespace semlink::report {

// Value and half width of the 95 % interval as printed; a NaN is not reported.
struct Printed {
  double value = kNone;
  double half = kNone;
};

// One method in one setting. Paper: "Distributed Information Bottleneck Theory for Multi-Modal
// Task-Aware Semantic Communication" (TADIB), or its earlier text (PoM2-DIB).
struct PublishedRow {
  const char* method;   // our name of it
  const char* data;     // data.source of the scenario: av_mnist or mmfi
  const char* setting;  // "limits", or what else the row is about; see PublishedFor
  const char* citation;
  Printed rate_nats;
  Printed nce;
  std::vector<Printed> accuracy;  // per task, percent; NaN for a regression task
  double seconds_per_window = kNone;
  double links = kNone;
  double flops = kNone;  // "cost" of an inference
  Printed mpjpe_mm = {};
  Printed pa_mpjpe_mm = {};
};

const std::vector<PublishedRow>& PublishedRows();

// Effect of the learning rate ratio (selection to coding) on PoM2-DIB.
struct PublishedRatio {
  const char* data;
  const char* ratio;  // "1:2"
  double rate_nats;
  double nce;
};
const std::vector<PublishedRatio>& PublishedRatios();
inline constexpr char kRatioCitation[] = "TADIB, Table III (PoM2-DIB, Table II)";

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_PUBLISHED_H_
