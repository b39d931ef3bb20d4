// Numbers with units, as they are written in faults.
#ifndef SEMLINK_COMMON_FAULTS_FAULT_QUANTITY_H_
#define SEMLINK_COMMON_FAULTS_FAULT_QUANTITY_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace semlink {

// Seconds, bytes per second, or a plain number. nullopt if the text is none, or not finite.
std::optional<double> ReadSeconds(absl::string_view text);
std::optional<double> ReadBytesPerSecond(absl::string_view text);
std::optional<double> ReadPlainNumber(absl::string_view text);

// Text that reads back as the same double, in the unit that suits people.
std::string WriteSeconds(double seconds);
std::string WriteBytesPerSecond(double bytes_per_second);
std::string WritePlainNumber(double number);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_FAULT_QUANTITY_H_
