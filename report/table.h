// Tables of a report: what is in them, not how they look.
#ifndef SEMLINK_REPORT_TABLE_H_
#define SEMLINK_REPORT_TABLE_H_

#include <optional>
#include <string>
#include <vector>

#include "report/statistics.h"

namespace semlink::report {

struct Cell {
  std::string text;             // as people read it
  std::optional<double> value;  // unset: only a text
  double half = kNone;          // of the 95 % interval
  int n = 0;                    // values that went into it
  // Where it comes from: "RUN/FILE:LINE POINTER" for each run, joined by "; ". Lines of
  // metrics.jsonl may be a range, "12-31": the figure is the mean over these lines, then over the
  // runs. For a published figure the paper and its table.
  std::string source;
};

struct Column {
  std::string title;
  std::string unit;  // "" if it has none
};

struct Row {
  std::string head;
  bool published = false;  // from a paper, not from a run
  std::vector<Cell> cells;
};

struct ReportTable {
  std::string id;  // "quality"
  std::string title;
  std::string note;  // plain text, under the table
  std::string head_title;
  std::vector<Column> columns;
  std::vector<Row> rows;
};

// Without rows and without a note.
ReportTable EmptyTable(std::string id, std::string title, std::string head_title,
                       std::vector<Column> columns);

Cell TextCell(std::string text);
// "99.35 ± 0.35" or "99.35", with at most `digits` decimals: as many as the interval's first two
// digits need. "-" for a NaN. The estimate is multiplied by `scale`.
Cell NumberCell(const Estimate& estimate, int digits, std::string source, double scale = 1);

// The text of a number with that interval (NaN: none).
std::string FormatEstimate(double mean, double half, int digits);
// Whole numbers in groups of three: "18 107 392", with narrow spaces.
std::string FormatWhole(double value);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_TABLE_H_
