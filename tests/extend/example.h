// The scenarios of the worked examples.
#ifndef SEMLINK_TESTS_EXTEND_EXAMPLE_H_
#define SEMLINK_TESTS_EXTEND_EXAMPLE_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "common/scenario/reader.h"

namespace semlink::extend {

inline absl::StatusOr<Scenario> ReadExample(const std::string& name,
                                            const Overrides& overrides = {}) {
  return ReadScenarioFile(absl::StrCat(SEMLINK_SOURCE_DIR, "/examples/extend/", name), overrides);
}

}  // namespace semlink::extend

#endif  // SEMLINK_TESTS_EXTEND_EXAMPLE_H_
