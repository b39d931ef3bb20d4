// Plain text tables and figures for people.
#ifndef SEMLINK_CLI_TABLE_H_
#define SEMLINK_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace semlink::cli {

enum class Align { kLeft, kRight };

// Columns as wide as their widest cell, two spaces apart, no trailing spaces.
class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Missing cells are empty; more cells than columns are left out.
  void AddRow(std::vector<std::string> cells);

  // The titles and the rows, each line ended by a newline.
  std::string ToString() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Columns on the screen that a UTF-8 text takes, one per character.
size_t DisplayWidth(const std::string& text);

// "512 B", "1.2 kB", "34.5 MB": powers of 1000.
std::string FormatBytes(double bytes);
// 0.986 -> "98.60 %"
std::string FormatPercent(double share);
// "9 s", "1:05", "2:03:04"
std::string FormatTime(absl::Duration duration);

}  // namespace semlink::cli

#endif  // SEMLINK_CLI_TABLE_H_
