#include "report/results.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "report/statistics.h"

namespace semlink::report {
namespace {

// "av_mnist", "mmfi"; underscores do not count.
bool SameData(const std::string& ours, const char* published) {
  return absl::StrReplaceAll(ours, {{"_", ""}}) == absl::StrReplaceAll(published, {{"_", ""}});
}

// The papers have one RS-DIB and one MI-DIB; ours are told apart (docs/fidelity.md).
std::string PublishedMethod(const std::string& method) {
  if (method == "rsdib_once") return "rsdib";
  return method == "midib_published" ? "midib" : method;
}

std::string PublishedHead(const PublishedRow& published) {
  const std::string method = published.method;
  const char* const as = method == "rsdib"   ? " (which is rsdib_once)"
                         : method == "midib" ? " (which is midib_published)"
                                             : "";
  return absl::StrCat(method, ", as published", as, ": ", published.citation);
}

// As PublishedRow::setting; "" for one that the papers do not have.
std::string SettingOf(const Group& group) {
  const RunData& run = group.first();
  const double e_t = run.Number("limits.e_t", 0), e_k = run.Number("limits.e_k", 0);
  bool limited = e_t < run.K();
  for (const auto& kinds : run.modalities) {
    limited = limited || e_k < static_cast<double>(kinds.size()) * run.T();
  }
  if (limited || group.method() != "pom2dib") return "limits";
  const double gamma = run.Number("training.gamma", 0);
  if (gamma > 0) return std::abs(gamma - 0.1) < 1e-9 ? "soft limits, gamma = 0.1" : "";
  return run.Number("training.beta", 1) <= 1e-6 ? "no limits, beta -> 0" : "no limits";
}

// "yes" if no (node, round) was above a limit.
Cell LimitsCell(const Group& group) {
  Cell cell = SummaryCell(group, "/limits_exceeded", 0);
  if (!cell.value.has_value()) return cell;
  const std::string limits = absl::StrCat("E_t = ", group.first().Value("limits.e_t"),
                                          ", E_k = ", group.first().Value("limits.e_k"));
  cell.text = *cell.value == 0 ? absl::StrCat("yes (", limits, ")")
                               : absl::StrCat("no: ", FormatWhole(*cell.value * cell.n), " times (",
                                              limits, ")");
  cell.half = kNone;
  return cell;
}

bool AnySummaryHas(const std::vector<const Group*>& groups, const std::string& pointer) {
  return std::any_of(groups.begin(), groups.end(), [&](const Group* group) {
    return SummaryCell(*group, pointer, 0).value.has_value();
  });
}

// What the columns of a quality table are, after the first five.
struct QualityColumns {
  std::vector<std::string> tasks;
  std::vector<bool> accuracy, mpjpe;  // per task: whether any group has it
};

Row QualityRow(const Group& group, const QualityColumns& columns) {
  Row row;
  row.head = group.label;
  row.cells.push_back(TextCell(absl::StrCat(group.finished.size())));
  row.cells.push_back(SummaryCell(group, "/windows", 0));
  row.cells.back().half = kNone;
  row.cells.back().text = FormatWhole(row.cells.back().value.value_or(kNone));
  row.cells.push_back(LimitsCell(group));
  row.cells.push_back(SummaryCell(group, "/rate_nats", 2));
  row.cells.push_back(SummaryCell(group, "/nce", 3));
  for (size_t t = 0; t < columns.tasks.size(); ++t) {
    if (columns.accuracy[t]) {
      row.cells.push_back(SummaryCell(group, absl::StrCat("/accuracy/", t), 2, 100));
    }
    if (!columns.mpjpe[t]) continue;
    row.cells.push_back(SummaryCell(group, absl::StrCat("/mpjpe_mm/", t), 2));
    row.cells.push_back(SummaryCell(group, absl::StrCat("/pa_mpjpe_mm/", t), 2));
  }
  return row;
}

Row PublishedQualityRow(const PublishedRow& published, const QualityColumns& columns) {
  Row row;
  row.published = true;
  row.head = PublishedHead(published);
  const bool full = published.links > 8 || std::string(published.method) == "dlsc";
  row.cells = {TextCell("-"), TextCell("-"), TextCell(full ? "no" : "yes"),
               PublishedCell(published.rate_nats, 2, published.citation),
               PublishedCell(published.nce, 2, published.citation)};
  if (std::string(published.setting) != "limits") row.cells[2].text = published.setting;
  for (size_t t = 0; t < columns.tasks.size(); ++t) {
    const bool known = t < published.accuracy.size();
    if (columns.accuracy[t]) {
      row.cells.push_back(known ? PublishedCell(published.accuracy[t], 2, published.citation)
                                : TextCell("-"));
    }
    if (!columns.mpjpe[t]) continue;
    row.cells.push_back(PublishedCell(published.mpjpe_mm, 2, published.citation));
    row.cells.push_back(PublishedCell(published.pa_mpjpe_mm, 2, published.citation));
  }
  return row;
}

// Adds the columns of the tasks to the table.
QualityColumns TaskColumns(const std::vector<const Group*>& groups, ReportTable* table) {
  QualityColumns columns;
  columns.tasks = groups.front()->first().tasks;
  for (size_t t = 0; t < columns.tasks.size(); ++t) {
    const bool mpjpe = AnySummaryHas(groups, absl::StrCat("/mpjpe_mm/", t));
    columns.mpjpe.push_back(mpjpe);
    columns.accuracy.push_back(!mpjpe);
    const std::string task = absl::StrCat(t + 1, " ", columns.tasks[t]);
    if (!mpjpe) table->columns.push_back({absl::StrCat("accuracy ", task), "%"});
    if (!mpjpe) continue;
    table->columns.push_back({absl::StrCat("MPJPE ", task), "mm"});
    table->columns.push_back({absl::StrCat("PA-MPJPE ", task), "mm"});
  }
  return columns;
}

std::string QualityNote(const std::vector<const Group*>& groups) {
  std::set<std::string> pairings, estimators;
  for (const Group* group : groups) {
    pairings.insert(group->first().Value("data.pairing"));
    estimators.insert(group->first().Value("rate.estimator"));
  }
  return absl::StrCat(
      "Mean over the seeds; ± is half the 95 % interval of that mean, by Student's t; a single "
      "seed "
      "has none. Test set and draws of u as in each run's scenario. Rate estimator: ",
      absl::StrJoin(estimators, ", "), " in batches of ",
      groups.front()->first().Value("training.batch_size"),
      "; it can't show more than the logarithm of the batch size per dimension (marginal) or per "
      "link (joint). Recordings paired: ",
      absl::StrJoin(pairings, ", "),
      ". The published figures are of one batch of the papers' own test set: read them beside "
      "ours, "
      "not against ours.");
}

// The published row that belongs under groups[i]: once, after the last of its groups.
const PublishedRow* PublishedAfter(const std::vector<const Group*>& groups, size_t i) {
  const PublishedRow* published = PublishedFor(*groups[i]);
  const bool again = std::any_of(groups.begin() + i + 1, groups.end(), [&](const Group* later) {
    return PublishedFor(*later) == published;
  });
  return again ? nullptr : published;
}

// The group of full participation with the same data and tasks, or nullptr.
const Group* FullParticipation(const std::vector<const Group*>& groups, const Group& group) {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group* other) {
    return other->method() == "vddib" && other->first().tasks == group.first().tasks &&
           other->first().Value("data.source") == group.first().Value("data.source");
  });
  return found == groups.end() ? nullptr : *found;
}

// The paper's comparison: time per window as a share of full participation's.
Cell ShareOfTime(const Cell& time, const Group* full_participation) {
  if (full_participation == nullptr) return TextCell("-");
  const Cell full = SummaryCell(*full_participation, "/seconds_per_window", 3);
  if (!time.value.has_value() || !full.value.has_value() || *full.value <= 0) return TextCell("-");
  Estimate share;
  share.mean = *time.value / *full.value;
  return NumberCell(share, 1, absl::StrCat(time.source, "; ", full.source), 100);
}

double PublishedTime(const char* method, const PublishedRow& beside) {
  for (const PublishedRow& row : PublishedRows()) {
    if (std::string(row.method) == method && std::string(row.data) == beside.data) {
      return row.seconds_per_window;
    }
  }
  return kNone;
}

Row PublishedCostRow(const PublishedRow& published, bool share) {
  Row row;
  row.published = true;
  row.head = PublishedHead(published);
  row.cells = {PublishedCell({published.seconds_per_window, kNone}, 2, published.citation),
               TextCell("-"), PublishedCell({published.links, kNone}, 2, published.citation),
               PublishedCell({published.flops, kNone}, 0, published.citation)};
  if (row.cells[3].value.has_value()) row.cells[3].text = FormatWhole(published.flops);
  if (share) {
    row.cells.push_back(PublishedCell(
        {100 * published.seconds_per_window / PublishedTime("vddib", published), kNone}, 1,
        published.citation));
  }
  return row;
}

ReportTable QualityTable(const std::vector<const Group*>& groups) {
  ReportTable table = EmptyTable("quality", "Rate and quality", "method",
                                 {{"seeds", ""},
                                  {"windows", ""},
                                  {"under limits", ""},
                                  {"sum-rate", "nats"},
                                  {"N-CE", "nats"}});
  const QualityColumns columns = TaskColumns(groups, &table);
  for (size_t i = 0; i < groups.size(); ++i) {
    table.rows.push_back(QualityRow(*groups[i], columns));
    const PublishedRow* published = PublishedAfter(groups, i);
    if (published != nullptr) table.rows.push_back(PublishedQualityRow(*published, columns));
  }
  table.note = QualityNote(groups);
  return table;
}

double Ratio(const Group& group) {
  const double codec = group.first().Number("training.learning_rate_codec", 0);
  return codec > 0 ? group.first().Number("training.learning_rate_selector", 0) / codec : kNone;
}

std::string RatioName(double ratio) {
  for (int n = 1; n <= 64; n *= 2) {
    if (std::abs(ratio * n - 1) < 1e-9) return absl::StrCat("1:", n);
    if (std::abs(ratio / n - 1) < 1e-9) return absl::StrCat(n, ":1");
  }
  return absl::StrFormat("%.4g", ratio);
}

}  // namespace

Cell SummaryCell(const Group& group, const std::string& pointer, int digits, double scale) {
  std::vector<double> values;
  std::vector<std::string> sources;
  for (const RunData* run : group.finished) {
    const std::optional<Figure> figure = run->Summary(pointer);
    if (!figure.has_value()) continue;
    values.push_back(figure->value);
    sources.push_back(figure->source);
  }
  return NumberCell(MeanWithInterval(values), digits, absl::StrJoin(sources, "; "), scale);
}

Cell PublishedCell(const Printed& printed, int digits, const char* citation) {
  Cell cell = NumberCell({printed.value, printed.half, 0}, digits, citation);
  if (!cell.value.has_value()) return cell;
  cell.text = FormatEstimate(printed.value, kNone, digits);
  if (!std::isnan(printed.half)) {
    absl::StrAppend(&cell.text, " ± ", FormatEstimate(printed.half, kNone, digits));
  }
  return cell;
}

const PublishedRow* PublishedFor(const Group& group) {
  const std::string setting = SettingOf(group);
  for (const PublishedRow& row : PublishedRows()) {
    if (PublishedMethod(group.method()) == row.method &&
        SameData(group.first().Value("data.source"), row.data) && setting == row.setting &&
        group.first().T() == 3) {
      return &row;
    }
  }
  return nullptr;
}

std::vector<ReportTable> QualityTables(const std::vector<Group>& groups) {
  std::map<std::string, std::vector<const Group*>> by_tasks;
  std::vector<std::string> order;
  for (const Group& group : groups) {
    if (group.finished.empty()) continue;
    const std::string tasks = absl::StrJoin(group.first().tasks, ",");
    if (by_tasks[tasks].empty()) order.push_back(tasks);
    by_tasks[tasks].push_back(&group);
  }
  std::vector<ReportTable> tables;
  for (const std::string& tasks : order) {
    tables.push_back(QualityTable(by_tasks[tasks]));
    if (tables.size() > 1) absl::StrAppend(&tables.back().id, "-", tables.size());
  }
  return tables;
}

ReportTable CostTable(const std::vector<Group>& groups) {
  ReportTable table = EmptyTable("cost", "Time, links and cost of an inference", "method",
                                 {{"time per window", "s"},
                                  {"CPU time per window", "s"},
                                  {"links per round", ""},
                                  {"FLOPs per inference", ""}});
  table.note =
      "Time: median over the training windows, wall clock, then the mean over the seeds; it "
      "depends on "
      "the machine and on what else ran there, so compare only runs of one machine made at one "
      "time. "
      "Published times are of an RTX 5090.";
  std::vector<const Group*> shown;
  for (const Group& group : groups) {
    if (!group.finished.empty()) shown.push_back(&group);
  }
  const bool share =
      shown.size() > 1 && std::any_of(shown.begin(), shown.end(),
                                      [](const Group* g) { return g->method() == "vddib"; });
  if (share) table.columns.push_back({"time, of vddib's", "%"});
  for (size_t i = 0; i < shown.size(); ++i) {
    const Group& group = *shown[i];
    Row row;
    row.head = group.label;
    row.cells = {SummaryCell(group, "/seconds_per_window", 3),
                 SummaryCell(group, "/cpu_seconds_per_window", 3),
                 SummaryCell(group, "/links_mean", 2),
                 SummaryCell(group, "/flops_per_inference", 0)};
    Cell& flops = row.cells.back();
    if (flops.value.has_value()) flops.text = FormatWhole(*flops.value);
    if (share) row.cells.push_back(ShareOfTime(row.cells[0], FullParticipation(shown, group)));
    table.rows.push_back(std::move(row));
    const PublishedRow* published = PublishedAfter(shown, i);
    if (published == nullptr || std::isnan(published->links)) continue;
    table.rows.push_back(PublishedCostRow(*published, share));
  }
  return table;
}

ReportTable RatioTable(const std::vector<Group>& groups) {
  ReportTable table = EmptyTable("ratio", "Effect of the learning rate ratio", "selection : coding",
                                 {{"method", ""},
                                  {"sum-rate", "nats"},
                                  {"N-CE", "nats"},
                                  {"published sum-rate", "nats"},
                                  {"published N-CE", "nats"}});
  std::set<std::string> ratios;
  std::vector<const Group*> ordered;
  for (const Group& group : groups) {
    if (group.finished.empty() || std::isnan(Ratio(group)) || Ratio(group) == 0) continue;
    ratios.insert(RatioName(Ratio(group)));
    ordered.push_back(&group);
  }
  if (ratios.size() < 2) return table;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Group* a, const Group* b) { return Ratio(*a) < Ratio(*b); });
  for (const Group* group : ordered) {
    Row row;
    row.head = RatioName(Ratio(*group));
    row.cells = {TextCell(group->label), SummaryCell(*group, "/rate_nats", 2),
                 SummaryCell(*group, "/nce", 3), TextCell("-"), TextCell("-")};
    for (const PublishedRatio& ratio : PublishedRatios()) {
      if (group->method() != "pom2dib" || row.head != ratio.ratio ||
          !SameData(group->first().Value("data.source"), ratio.data)) {
        continue;
      }
      row.cells[3] = PublishedCell({ratio.rate_nats, kNone}, 2, kRatioCitation);
      row.cells[4] = PublishedCell({ratio.nce, kNone}, 2, kRatioCitation);
    }
    table.rows.push_back(std::move(row));
  }
  table.note = absl::StrCat("Published: ", kRatioCitation, ".");
  return table;
}

}  // namespace semlink::report
