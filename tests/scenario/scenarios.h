// Texts that the tests of the scenario reader share.
#ifndef SEMLINK_TESTS_SCENARIO_SCENARIOS_H_
#define SEMLINK_TESTS_SCENARIO_SCENARIOS_H_

namespace semlink {

// The shortest scenario: everything else has a default.
inline constexpr char kSmall[] = R"(name: small
transmitters:
  - {modalities: [noise, image_fft]}
  - {modalities: [mel]}
receivers:
  - {task: parity}
  - {task: digit}
)";

}  // namespace semlink

#endif  // SEMLINK_TESTS_SCENARIO_SCENARIOS_H_
