// The scenario reader: YAML text, and after a line "--set" one override per line.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/scenario/reader.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using semlink::fuzz::Require;
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(semlink::fuzz::Text(data, size), absl::MaxSplits("\n--set\n", 1));
  const semlink::Overrides overrides = absl::StrSplit(parts.second, '\n', absl::SkipEmpty());

  const auto scenario = semlink::ParseScenario(parts.first, "fuzz.yaml", overrides);
  if (!scenario.ok()) {
    Require(absl::IsInvalidArgument(scenario.status()), "a bad scenario is INVALID_ARGUMENT");
    Require(!scenario.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  // What was accepted is written out and read again as the same.
  const std::string emitted = semlink::EmitScenario(*scenario);
  const auto again = semlink::ParseScenario(emitted, "emitted.yaml");
  Require(again.ok(), again.ok() ? "" : again.status().message());
  Require(semlink::EmitScenario(*again) == emitted, "EmitScenario and ParseScenario agree");
  return 0;
}
