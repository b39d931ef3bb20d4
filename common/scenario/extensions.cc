#include "common/scenario/extensions.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace semlink {
namespace {

// How many values of an enum are built in: those from 0 on that have a name.
template <class Kind>
size_t BuiltIn() {
  static const size_t count = [] {
    int value = 0;
    while (BuiltInName(static_cast<Kind>(value)) != nullptr) ++value;
    return static_cast<size_t>(value);
  }();
  return count;
}

template <class Kind, class Row>
const Row* RowOf(Kind kind, const std::vector<Row>& rows) {
  const size_t value = static_cast<size_t>(kind), first = BuiltIn<Kind>();
  return value < first || value - first >= rows.size() ? nullptr : &rows[value - first];
}

template <class Kind, class Row>
std::vector<std::string> NamesOf(const std::vector<Row>& rows) {
  std::vector<std::string> names;
  for (size_t i = 0; i < BuiltIn<Kind>(); ++i) {
    names.push_back(BuiltInName(static_cast<Kind>(i)));
  }
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

// Checks the names of the rows of one kind, built-in ones first.
absl::Status CheckNames(const std::string& what, const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty() ||
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "extensions: ", what, " '", name, "': expected lower-case letters, digits and '_'"));
    }
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("extensions: ", what, " '", name, "': there is one of this name already"));
    }
  }
  return absl::OkStatus();
}

absl::Status Wrong(const std::string& what, const std::string& name, const char* expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("extensions: ", what, " '", name, "': expected ", expected));
}

absl::Status CheckRows(const Extension& extensions) {
  for (const ModalityExtension& row : extensions.modalities) {
    if (row.size < 1) return Wrong("modality", row.name, "a size of 1 or more");
  }
  for (const TaskExtension& row : extensions.tasks) {
    if (row.classes < 2) return Wrong("task", row.name, "2 or more classes");
    for (int digit = 0; row.class_of_digit != nullptr && digit < 10; ++digit) {
      const int label = row.class_of_digit(digit);
      if (label < 0 || label >= row.classes) {
        return Wrong("task", row.name, "classes from 0 to its number of classes less 1");
      }
    }
  }
  for (const DataSetExtension& row : extensions.data_sets) {
    if (row.count == nullptr || row.features == nullptr || row.labels == nullptr) {
      return Wrong("data set", row.name, "its functions count, features and labels");
    }
  }
  for (const MethodRow& row : extensions.methods) {
    if ((row.selection == SelectionRule::kFunction) != (row.links != nullptr)) {
      return Wrong("method", row.name, "a function for its links with kFunction, and only then");
    }
  }
  return absl::OkStatus();
}

template <class T>
void Append(const std::vector<T>& from, std::vector<T>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

}  // namespace

Extension JoinExtensions(const std::vector<Extension>& files) {
  Extension all;
  for (const Extension& file : files) {
    Append(file.modalities, &all.modalities);
    Append(file.tasks, &all.tasks);
    Append(file.data_sets, &all.data_sets);
    Append(file.methods, &all.methods);
  }
  return all;
}

absl::Status CheckExtensions(const Extension& extensions) {
  absl::Status status = CheckNames("modality", NamesOf<ModalityKind>(extensions.modalities));
  status.Update(CheckNames("task", NamesOf<TaskKind>(extensions.tasks)));
  status.Update(CheckNames("data set", NamesOf<DataSource>(extensions.data_sets)));
  std::vector<std::string> methods = PlannedMethods();
  for (const MethodRow& row : BuiltInMethods()) methods.push_back(row.name);
  for (const MethodRow& row : extensions.methods) methods.push_back(row.name);
  status.Update(CheckNames("method", methods));
  status.Update(CheckRows(extensions));
  return status;
}

const ModalityExtension* ExtensionOf(ModalityKind kind) {
  return RowOf(kind, InstalledExtensions().modalities);
}

const TaskExtension* ExtensionOf(TaskKind kind) { return RowOf(kind, InstalledExtensions().tasks); }

const DataSetExtension* ExtensionOf(DataSource source) {
  return RowOf(source, InstalledExtensions().data_sets);
}

const std::vector<std::string>& ModalityNames() {
  static const auto& names =
      *new std::vector<std::string>(NamesOf<ModalityKind>(InstalledExtensions().modalities));
  return names;
}

const std::vector<std::string>& TaskNames() {
  static const auto& names =
      *new std::vector<std::string>(NamesOf<TaskKind>(InstalledExtensions().tasks));
  return names;
}

const std::vector<std::string>& DataSourceNames() {
  static const auto& names =
      *new std::vector<std::string>(NamesOf<DataSource>(InstalledExtensions().data_sets));
  return names;
}

}  // namespace semlink
