#include "common/scenario/fields.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/scenario/extensions.h"
#include "common/scenario/method_table.h"
#include "common/scenario/presets.h"

namespace semlink {
namespace {

constexpr double kMany = 10'000'000;

template <class Enum>
Choice OneOf(Enum* field, std::vector<std::string> names) {
  return {std::move(names), field,
          [](const void* f) { return static_cast<int>(*static_cast<const Enum*>(f)); },
          [](void* f, int index) { *static_cast<Enum*>(f) = static_cast<Enum>(index); }};
}

Field Plain(const char* section, const char* key, FieldRef ref, const char* help) {
  Field field;
  field.section = section;
  field.key = key;
  field.ref = std::move(ref);
  field.help = help;
  return field;
}

Field Number(const char* section, const char* key, FieldRef ref, double low, double high,
             const char* help) {
  Field field = Plain(section, key, std::move(ref), help);
  field.low = low;
  field.high = high;
  return field;
}

Field Text(const char* section, const char* key, std::string* ref,
           std::string (*expected)(const std::string&), const char* help) {
  Field field = Plain(section, key, ref, help);
  field.expected = expected;
  return field;
}

std::string ExpectRunName(const std::string& value) {
  constexpr size_t kMaxName = 64;
  const bool letters = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (!value.empty() && value.size() <= kMaxName && letters && value[0] != '.') return "";
  return "1 to 64 letters, digits, '-', '_' or '.', not starting with '.'";
}

std::string ExpectPath(const std::string& value) {
  constexpr size_t kMaxPath = 4000;
  const bool plain = std::none_of(value.begin(), value.end(),
                                  [](unsigned char c) { return absl::ascii_iscntrl(c); });
  return plain && value.size() <= kMaxPath ? "" : "a path";
}

std::string ExpectDevice(const std::string& value) {
  if (value == "cpu" || value == "cuda") return "";
  if (absl::StartsWith(value, "cuda:")) {
    const std::string number = value.substr(5);
    const bool digits = std::all_of(number.begin(), number.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
    if (digits && !number.empty() && number.size() <= 3) return "";
  }
  return "cpu, cuda or cuda:N";
}

std::string ExpectMethod(const std::string& value) {
  if (FindMethod(value) != nullptr) return "";
  std::string names;
  for (const MethodRow& method : Methods()) {
    absl::StrAppend(&names, names.empty() ? "" : " or ", method.name);
  }
  const std::vector<std::string>& planned = PlannedMethods();
  const bool later = std::find(planned.begin(), planned.end(), value) != planned.end();
  return later ? absl::StrCat(names, " (", value, " is not built yet)") : names;
}

std::string ExpectPreset(const std::string& value) {
  if (FindPreset(value) != nullptr) return "";
  std::string names;
  for (const Preset& preset : Presets()) {
    absl::StrAppend(&names, names.empty() ? "" : " or ", preset.name);
  }
  return names;
}

std::vector<Field> RunFields(Scenario* s) {
  DataOptions* d = &s->data;
  return {
      Text("", "name", &s->name, ExpectRunName, "of the run and its folder"),
      Plain("", "seed", &s->seed, "of every random number of the run; 0 or more"),
      Plain("", "on_failure", OneOf(&s->on_failure, {"wait", "degrade"}),
            "wait | degrade: whether a window waits for a lost node or goes on without it"),
      Plain("data", "source", OneOf(&d->source, DataSourceNames()), "av_mnist | synthetic"),
      Text("data", "root", &d->root, ExpectPath, "av_mnist: folder with mnist/ and fsdd/"),
      Plain("data", "pairing", OneOf(&d->pairing, {"uniform", "reference"}),
            "uniform | reference: which recording goes with an image"),
      Plain("data", "image_scale", OneOf(&d->image_scale, {"sample", "batch"}),
            "sample | batch: over what an image is scaled to 0..1"),
      Number("data", "audio_variants", &d->audio_variants, 1, 64,
             "augmented versions kept of each training recording"),
      Number("data", "train_samples", &d->train_samples, 0, kMany,
             "0: all (av_mnist), 20000 (synthetic)"),
      Number("data", "test_samples", &d->test_samples, 0, kMany,
             "0: all (av_mnist), 2000 (synthetic)"),
      Number("data", "difficulty", &d->difficulty, 0, 100,
             "synthetic: standard deviation of the disturbance, 1 = default"),
  };
}

std::vector<Field> MethodFields(Scenario* s) {
  return {
      Text("method", "name", &s->method.name, ExpectMethod,
           "a row of the table of methods: docs/scenario.md"),
      Text("method", "preset", &s->method.preset, ExpectPreset, "default | paper"),
      Number("method", "measuring_share", &s->method.measuring_share, 0, 0.9,
             "midib: share of the windows in which single links are measured")
          .AboveLow(),
      Plain("method", "links", &s->method.links,
            "fixed: its links, TRANSMITTER.MODALITY->RECEIVER, comma between: \"1.3->1,2.2->1\""),
      Number("model", "embedding", &s->model.embedding, 1, 4096,
             "d: dimension of a feature, of u and of the embeddings"),
      Number("model", "hidden1", &s->model.hidden1, 1, 16384, "width of the first residual block"),
      Number("model", "hidden2", &s->model.hidden2, 1, 16384, "width of the second residual block"),
      Plain("model", "missing_slot_learned", &s->model.missing_slot_learned,
            "the decoder learns what a slot without a link means (else zeros)"),
      Number("limits", "e_t", &s->limits.e_t, 1, 1024,
             "E_t: most transmitters a receiver may draw on"),
      Number("limits", "e_k", &s->limits.e_k, 1, 1024,
             "E_k: most links a transmitter may serve, over all receivers"),
  };
}

std::vector<Field> TrainingFields(TrainingOptions* t) {
  return {
      Number("training", "windows", &t->windows, 1, kMany, "optimiser steps"),
      Number("training", "rounds_per_window", &t->rounds_per_window, 1, 1000,
             "mini-batches per optimiser step, each with its own u"),
      Number("training", "batch_size", &t->batch_size, 2, 4096,
             "samples per round; no rate can exceed log(batch_size)"),
      Number("training", "beta", &t->beta, 0, 1e6, "rate multiplier"),
      Number("training", "gamma", &t->gamma, 0, 1e6, "link-count multiplier"),
      Number("training", "learning_rate_codec", &t->learning_rate_codec, 0, 1,
             "of encoders and decoders")
          .AboveLow(),
      Number("training", "learning_rate_selector", &t->learning_rate_selector, 0, 1,
             "of both selectors; 0 freezes them"),
      Number("training", "weight_decay", &t->weight_decay, 0, 1, "of AdamW"),
      Number("training", "selector_gradient_clip", &t->selector_gradient_clip, 0, 1e9,
             "largest norm of a selector's gradient")
          .AboveLow(),
      Plain("training", "schedule", OneOf(&t->schedule, {"constant", "cosine"}),
            "constant | cosine: the codec's learning rate over the run"),
  };
}

std::vector<Field> PolicyFields(Scenario* s) {
  PolicyOptions* p = &s->policy;
  return {
      Plain("policy", "baseline", OneOf(&p->baseline, {"constant", "running_mean"}),
            "constant | running_mean: what a round's loss is compared with"),
      Plain(
          "policy", "credit", OneOf(&p->credit, {"own", "shared"}),
          "own | shared: the losses that a transmitter's draw answers for: its task's, or those of "
          "all tasks that asked it"),
      Number("policy", "running_mean_rate", &p->running_mean_rate, 0, 1,
             "weight of a new window in the running mean")
          .AboveLow(),
      Number("policy", "entropy_bonus", &p->entropy_bonus, 0, 1e6,
             "multiplies the entropy of every draw; decays linearly to 0"),
      Number("policy", "entropy_decay", &p->entropy_decay, 0, 1,
             "share of the run after which the bonus is 0")
          .AboveLow(),
      Plain("policy", "renormalise", &p->renormalise,
            "draw only from the transmitters that can be reached"),
      Number("policy", "penalty_no_link", &p->penalty_no_link, 0, 1e6,
             "nats: added to the policy's loss of a round without a link")
          .WithUnit("nats"),
      Plain("rate", "estimator", OneOf(&s->rate.estimator, {"marginal", "joint", "knn_entropy"}),
            "marginal (sum over dimensions, as published) | joint | knn_entropy (dlsc)"),
      Plain("common_randomness", "source",
            OneOf(&s->common_randomness.source, {"derived", "broadcast", "constant"}),
            "derived | broadcast | constant"),
      Number("evaluation", "cr_draws", &s->evaluation.cr_draws, 1, 10000,
             "draws of u over which quality is averaged"),
      Plain("evaluation", "mean_feature", &s->evaluation.mean_feature,
            "decode mu instead of a sample of z"),
      Number("evaluation", "samples", &s->evaluation.samples, 0, kMany,
             "test samples used; 0: all"),
      Plain("evaluation", "score", &s->evaluation.score,
            "measure the loss, local decoders included, on the test samples too: semlink score"),
      Number("checkpoint", "every", &s->checkpoint.every, 0, kMany,
             "windows between two checkpoints; 0: none but after training"),
      Number("checkpoint", "keep", &s->checkpoint.keep, 1, 1000,
             "complete checkpoints that are kept when the next is written"),
      Number("timeouts", "silence", &s->timeouts.silence_seconds, 0.5, 3600,
             "s: a connection on which nothing moves for so long is taken for dead")
          .WithUnit("s"),
  };
}

}  // namespace

Field Field::WithUnit(const char* name) && {
  unit = name;
  return std::move(*this);
}

Field Field::Required() && {
  required = true;
  return std::move(*this);
}

Field Field::AboveLow() && {
  above_low = true;
  return std::move(*this);
}

std::vector<Field> ScenarioFields(Scenario* scenario) {
  std::vector<Field> fields = RunFields(scenario);
  for (std::vector<Field> more :
       {MethodFields(scenario), TrainingFields(&scenario->training), PolicyFields(scenario)}) {
    fields.insert(fields.end(), more.begin(), more.end());
  }
  return fields;
}

std::vector<Field> TransmitterFields(TransmitterOptions* transmitter) {
  return {
      Plain("", "modalities", &transmitter->modalities,
            "what it observes: image_fft | mel | noise, one or more")
          .Required(),
      Text("", "device", &transmitter->device, ExpectDevice, "cpu | cuda | cuda:N"),
  };
}

std::vector<Field> ReceiverFields(ReceiverOptions* receiver) {
  return {
      Plain("", "task", OneOf(&receiver->task, TaskNames()), "parity | ring | digit").Required(),
      Number("", "baseline", &receiver->baseline, -1e6, 1e6,
             "nats: constant baseline; 0: the preset's for the task")
          .WithUnit("nats"),
      Text("", "device", &receiver->device, ExpectDevice, "cpu | cuda | cuda:N"),
  };
}

}  // namespace semlink
