// Modalities, tasks, data sets and methods of one's own, beside those that are built in. They are
// compiled in: a folder with one .cc file each, named to CMake as -DSEMLINK_EXTENSIONS=DIR. A file
// NAME.cc defines
//
//   namespace semlink::extensions { Extension NAME() { ... } }
//
// and nothing else has to be changed. docs/extend/ has a worked example of each kind. No libtorch:
// the coordinator and the command line know extensions too.
#ifndef SEMLINK_COMMON_SCENARIO_EXTENSIONS_H_
#define SEMLINK_COMMON_SCENARIO_EXTENSIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/scenario/method_table.h"
#include "common/scenario/scenario.h"

namespace semlink {

// What a transmitter can observe.
struct ModalityExtension {
  std::string name;  // in transmitters.N.modalities
  int size = 0;      // numbers per sample
  // From the picture of a digit, [28 x 28], row by row, 0 (background) to 255 (ink), to `size`
  // numbers; best near -1..1. Used by the data sets of digits (av_mnist, synthetic). nullptr: they
  // don't have this modality, only data sets of extensions do.
  void (*from_image)(const uint8_t* image, float* numbers) = nullptr;
};

// What a receiver can be asked to tell.
struct TaskExtension {
  std::string name;     // in receivers.N.task
  int classes = 0;      // numbered from 0
  double baseline = 0;  // nats: constant baseline b_t, about the entropy of the labels
  // The class of digit 0..9, for the data sets of digits. nullptr: they don't have this task.
  int (*class_of_digit)(int digit) = nullptr;
};

// One value per sample, or several: the training samples, then the test samples.
template <class T>
struct SplitValues {
  std::vector<T> train;
  std::vector<T> test;
};

struct SampleCounts {
  int64_t train = 0;
  int64_t test = 0;
};

// Samples. Each call reads or makes only what it returns: a node calls what it may see. Samples
// have the same numbers in all of them. data.train_samples and data.test_samples are applied by the
// caller, and the modality `noise` is there by itself. Errors name the file and the place in it.
struct DataSetExtension {
  std::string name;  // in data.source
  absl::StatusOr<SampleCounts> (*count)(const DataOptions& options) = nullptr;
  // The numbers of a modality, [samples, size] row by row. NOT_FOUND: no such modality here.
  absl::StatusOr<SplitValues<float>> (*features)(const Scenario& scenario,
                                                 const std::string& modality) = nullptr;
  // The class of each sample. NOT_FOUND: no such task here.
  absl::StatusOr<SplitValues<int64_t>> (*labels)(const Scenario& scenario,
                                                 const std::string& task) = nullptr;
};

// What one file adds, or all of them.
struct Extension {
  std::vector<ModalityExtension> modalities;
  std::vector<TaskExtension> tasks;
  std::vector<DataSetExtension> data_sets;
  std::vector<MethodRow> methods;
};

// All extensions of this program, in the order of their files. Its source is written by CMake
// (cmake/SemlinkExtensions.cmake).
const Extension& InstalledExtensions();

// Puts the extensions of several files together.
Extension JoinExtensions(const std::vector<Extension>& files);

// INVALID_ARGUMENT with what is wrong: a name that is taken or empty, a size or a function that is
// missing. ParseScenario asks this first.
absl::Status CheckExtensions(const Extension& extensions);

// nullptr for what is built in.
const ModalityExtension* ExtensionOf(ModalityKind kind);
const TaskExtension* ExtensionOf(TaskKind kind);
const DataSetExtension* ExtensionOf(DataSource source);

// The name of a built-in value; nullptr for others.
const char* BuiltInName(ModalityKind kind);
const char* BuiltInName(TaskKind kind);
const char* BuiltInName(DataSource source);

// The names of all values of an enum: element i is that of the value i. Extensions follow what is
// built in.
const std::vector<std::string>& ModalityNames();
const std::vector<std::string>& TaskNames();
const std::vector<std::string>& DataSourceNames();

}  // namespace semlink

#endif  // SEMLINK_COMMON_SCENARIO_EXTENSIONS_H_
