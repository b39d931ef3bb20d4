// Tables for other programs.
#ifndef SEMLINK_REPORT_TABLE_OUTPUT_H_
#define SEMLINK_REPORT_TABLE_OUTPUT_H_

#include <string>
#include <vector>

#include "report/table.h"

namespace semlink::report {

// One line per cell: table, row, column, unit, text, value, interval95 (half width), n, published,
// source (RFC 4180). Numbers read back exactly; empty where there is none.
std::string TablesAsCsv(const std::vector<ReportTable>& tables);

// The same as an object {"tables": [{id, title, note, columns, rows: [{head, published, cells}]}]}.
std::string TablesAsJson(const std::vector<ReportTable>& tables);

// One tabular of booktabs per table; needs \usepackage{booktabs}.
std::string TablesAsLatex(const std::vector<ReportTable>& tables);

// <table> in a box that scrolls sideways by itself, with its caption and note. Each cell with a
// value has its source as data-source and as a title, and the value in full as data-value.
std::string TableAsHtml(const ReportTable& table);

}  // namespace semlink::report

#endif  // SEMLINK_REPORT_TABLE_OUTPUT_H_
