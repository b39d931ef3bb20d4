#include "common/faults/fault_quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace semlink {
namespace {

// A value in this unit is `factor` base units; units below the base divide instead, so that the
// common decimal values are exact.
struct Unit {
  const char* name;
  double factor;
  bool divide;
};

constexpr std::array<Unit, 7> kTimeUnits = {{{"s", 1, false},
                                             {"ms", 1000, true},
                                             {"us", 1e6, true},
                                             {"min", 60, false},
                                             {"h", 3600, false},
                                             {"m", 60, false},
                                             {"sec", 1, false}}};
constexpr std::array<Unit, 8> kRateUnits = {{{"GB/s", 1e9, false},
                                             {"MB/s", 1e6, false},
                                             {"kB/s", 1e3, false},
                                             {"B/s", 1, false},
                                             {"Gbit/s", 1.25e8, false},
                                             {"Mbit/s", 1.25e5, false},
                                             {"kbit/s", 125, false},
                                             {"bit/s", 8, true}}};

double InBase(double value, const Unit& unit) {
  return unit.divide ? value / unit.factor : value * unit.factor;
}

double InUnit(double value, const Unit& unit) {
  return unit.divide ? value * unit.factor : value / unit.factor;
}

template <size_t N>
std::optional<double> Read(absl::string_view text, const std::array<Unit, N>& units) {
  text = absl::StripAsciiWhitespace(text);
  const size_t end = text.find_first_not_of("0123456789.+-eE");
  if (end == absl::string_view::npos) return std::nullopt;
  const std::optional<double> value = ReadPlainNumber(text.substr(0, end));
  if (!value.has_value()) return std::nullopt;
  const absl::string_view name = absl::StripLeadingAsciiWhitespace(text.substr(end));
  for (const Unit& unit : units) {
    if (name == unit.name) return InBase(*value, unit);
  }
  return std::nullopt;
}

// The text in that unit, if it reads back as the same value.
std::optional<std::string> Write(double value, const Unit& unit) {
  const double number = InUnit(value, unit);
  if (!std::isfinite(number) || InBase(number, unit) != value) return std::nullopt;
  return absl::StrCat(WritePlainNumber(number), unit.name);
}

}  // namespace

std::optional<double> ReadPlainNumber(absl::string_view text) {
  double value = 0;
  if (text.empty() || text.find_first_not_of("0123456789.+-eE") != absl::string_view::npos ||
      !absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<double> ReadSeconds(absl::string_view text) { return Read(text, kTimeUnits); }

std::optional<double> ReadBytesPerSecond(absl::string_view text) { return Read(text, kRateUnits); }

std::string WritePlainNumber(double number) {
  std::array<char, 40> buffer;
  const std::to_chars_result end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return std::string(buffer.data(), end.ptr);
}

std::string WriteSeconds(double seconds) {
  const Unit& unit = seconds > 0 && seconds < 1 ? kTimeUnits[1] : kTimeUnits[0];
  return Write(seconds, unit).value_or(absl::StrCat(WritePlainNumber(seconds), "s"));
}

std::string WriteBytesPerSecond(double rate) {
  for (size_t i = 0; i < 3; ++i) {
    if (rate < kRateUnits[i].factor) continue;
    if (const auto text = Write(rate, kRateUnits[i]); text.has_value()) return *text;
  }
  return absl::StrCat(WritePlainNumber(rate), "B/s");
}

}  // namespace semlink
