#include "report/table_output.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/json.h"
#include "report/markup.h"

namespace semlink::report {
namespace {

std::string CsvText(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

Json NumberOrNull(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string CsvNumber(double value) { return std::isfinite(value) ? Json(value).dump() : ""; }

std::string CsvLine(const ReportTable& table, const Row& row, size_t i) {
  const Cell& cell = row.cells[i];
  return absl::StrCat(CsvText(table.id), ",", CsvText(row.head), ",",
                      CsvText(table.columns[i].title), ",", CsvText(table.columns[i].unit), ",",
                      CsvText(cell.text), ",", cell.value.has_value() ? CsvNumber(*cell.value) : "",
                      ",", CsvNumber(cell.half), ",", cell.n > 0 ? absl::StrCat(cell.n) : "", ",",
                      row.published ? "yes" : "no", ",", CsvText(cell.source), "\r\n");
}

Json JsonCell(const Cell& cell) {
  Json json = {{"text", cell.text}};
  if (!cell.value.has_value()) return json;
  json["value"] = NumberOrNull(*cell.value);
  json["interval95"] = NumberOrNull(cell.half);
  json["n"] = cell.n;
  json["source"] = cell.source;
  return json;
}

// Characters that mean something to LaTeX, and those of ours that it has to be told in another way.
std::string Latex(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\textbackslash{}"},
                                    {"&", "\\&"},
                                    {"%", "\\%"},
                                    {"$", "\\$"},
                                    {"#", "\\#"},
                                    {"_", "\\_"},
                                    {"{", "\\{"},
                                    {"}", "\\}"},
                                    {"~", "\\textasciitilde{}"},
                                    {"^", "\\textasciicircum{}"},
                                    {"<", "\\textless{}"},
                                    {">", "\\textgreater{}"},
                                    {"±", "$\\pm$"},
                                    {"→", "$\\to$"},
                                    {"\u2212", "$-$"},
                                    {"\u202f", "\\,"},
                                    {"–", "--"},
                                    {"…", "\\dots{}"},
                                    {"\n", " "}});
}

std::string LatexTable(const ReportTable& table) {
  std::string out = absl::StrCat("% ", absl::StrReplaceAll(table.title, {{"\n", " "}}), "\n",
                                 "\\begin{tabular}{l", std::string(table.columns.size(), 'r'),
                                 "}\n\\toprule\n", Latex(table.head_title));
  for (const Column& column : table.columns) {
    absl::StrAppend(&out, " & ", Latex(column.title));
    if (!column.unit.empty()) absl::StrAppend(&out, " (", Latex(column.unit), ")");
  }
  out += " \\\\\n\\midrule\n";
  for (const Row& row : table.rows) {
    out += Latex(row.head);
    for (const Cell& cell : row.cells) absl::StrAppend(&out, " & ", Latex(cell.text));
    out += " \\\\\n";
  }
  return out + "\\bottomrule\n\\end{tabular}\n";
}

bool IsTextColumn(const ReportTable& table, size_t i) {
  return std::none_of(table.rows.begin(), table.rows.end(), [i](const Row& row) {
    return i < row.cells.size() && row.cells[i].value.has_value();
  });
}

std::string HtmlCell(const Cell& cell, bool text_column) {
  const char* kind = text_column ? " class=\"text\"" : "";
  if (!cell.value.has_value() || cell.source.empty()) {
    return absl::StrCat("<td", kind, ">", Escape(cell.text), "</td>");
  }
  return absl::StrCat("<td", kind, Attribute("data-value", CsvNumber(*cell.value)),
                      Attribute("data-source", cell.source), Attribute("title", cell.source), ">",
                      Escape(cell.text), "</td>");
}

}  // namespace

std::string TablesAsCsv(const std::vector<ReportTable>& tables) {
  std::string out = "table,row,column,unit,text,value,interval95,n,published,source\r\n";
  for (const ReportTable& table : tables) {
    for (const Row& row : table.rows) {
      for (size_t i = 0; i < row.cells.size() && i < table.columns.size(); ++i) {
        out += CsvLine(table, row, i);
      }
    }
  }
  return out;
}

std::string TablesAsJson(const std::vector<ReportTable>& tables) {
  Json list = Json::array();
  for (const ReportTable& table : tables) {
    Json columns = Json::array(), rows = Json::array();
    for (const Column& column : table.columns) {
      columns.push_back({{"title", column.title}, {"unit", column.unit}});
    }
    for (const Row& row : table.rows) {
      Json cells = Json::array();
      for (const Cell& cell : row.cells) cells.push_back(JsonCell(cell));
      rows.push_back({{"head", row.head}, {"published", row.published}, {"cells", cells}});
    }
    list.push_back({{"id", table.id},
                    {"title", table.title},
                    {"note", table.note},
                    {"columns", std::move(columns)},
                    {"rows", std::move(rows)}});
  }
  const Json all = {{"tables", std::move(list)}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string TablesAsLatex(const std::vector<ReportTable>& tables) {
  std::string out;
  for (const ReportTable& table : tables) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", LatexTable(table));
  }
  return out;
}

std::string TableAsHtml(const ReportTable& table) {
  std::string out = absl::StrCat(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\"", Attribute("aria-label", table.title),
      "><table", Attribute("id", "table-" + table.id), "><caption>", Escape(table.title),
      "</caption><thead><tr><th scope=\"col\">", Escape(table.head_title), "</th>");
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    absl::StrAppend(&out, "<th scope=\"col\"", IsTextColumn(table, i) ? " class=\"text\">" : ">",
                    Escape(column.title));
    if (!column.unit.empty()) {
      absl::StrAppend(&out, "<br><span class=\"unit\">", Escape(column.unit), "</span>");
    }
    out += "</th>";
  }
  out += "</tr></thead><tbody>\n";
  for (const Row& row : table.rows) {
    absl::StrAppend(&out, row.published ? "<tr class=\"published\">" : "<tr>", "<th scope=\"row\">",
                    Escape(row.head), "</th>");
    for (size_t i = 0; i < row.cells.size(); ++i) {
      out += HtmlCell(row.cells[i], IsTextColumn(table, i));
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (!table.note.empty())
    absl::StrAppend(&out, "<p class=\"note\">", Escape(table.note), "</p>\n");
  return out;
}

}  // namespace semlink::report
