#include "report/table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace semlink::report {
namespace {

constexpr char kNarrowSpace[] = "\u202f";
constexpr char kMinus[] = "\u2212";

// A typographic minus, and never "-0.00".
std::string Fixed(double value, int digits) {
  std::string text = absl::StrFormat("%.*f", digits, std::abs(value));
  const bool zero = text.find_first_not_of("0.") == std::string::npos;
  return value < 0 && !zero ? absl::StrCat(kMinus, text) : text;
}

}  // namespace

std::string FormatEstimate(double mean, double half, int digits) {
  if (!std::isfinite(mean)) return "-";
  if (!std::isfinite(half)) return Fixed(mean, digits);
  if (half > 0) {
    digits = std::clamp(1 - static_cast<int>(std::floor(std::log10(half))), 0, digits);
  }
  return absl::StrCat(Fixed(mean, digits), " ± ", Fixed(half, digits));
}

std::string FormatWhole(double value) {
  if (!std::isfinite(value)) return "-";
  std::string digits = absl::StrFormat("%.0f", std::abs(value));
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += kNarrowSpace;
    text += digits[i];
  }
  return value < 0 ? absl::StrCat(kMinus, text) : text;
}

ReportTable EmptyTable(std::string id, std::string title, std::string head_title,
                       std::vector<Column> columns) {
  ReportTable table;
  table.id = std::move(id);
  table.title = std::move(title);
  table.head_title = std::move(head_title);
  table.columns = std::move(columns);
  return table;
}

Cell TextCell(std::string text) {
  Cell cell;
  cell.text = std::move(text);
  return cell;
}

Cell NumberCell(const Estimate& estimate, int digits, std::string source, double scale) {
  Cell cell;
  cell.text = FormatEstimate(scale * estimate.mean, scale * estimate.half, digits);
  if (!std::isfinite(estimate.mean)) return cell;
  cell.value = scale * estimate.mean;
  cell.half = scale * estimate.half;
  cell.n = estimate.n;
  cell.source = std::move(source);
  return cell;
}

}  // namespace semlink::report
