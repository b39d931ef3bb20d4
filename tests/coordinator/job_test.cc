#include "coordinator/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/coordinator/messages.h"

namespace semlink::coordinator {
namespace {

JobOptions Options(JobKind kind, int64_t test_size) {
  JobOptions options;
  options.kind = kind;
  options.test_size = test_size;
  return options;
}

TEST(JobTest, TrainingHasThreePhases) {
  const auto job = Job::Make(SmallScenario(), Options(JobKind::kTrain, 1000));
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_EQ(job->phases().size(), 3u);
  EXPECT_EQ(job->phases()[0].kind, PhaseKind::kTraining);
  EXPECT_EQ(job->phases()[0].windows, 2u);
  EXPECT_EQ(job->phases()[1].kind, PhaseKind::kParameters);
  EXPECT_EQ(job->phases()[2].kind, PhaseKind::kEvaluation);
  EXPECT_EQ(job->phases()[2].windows, 4u);  // 2 draws of 1000 samples, 500 in a window
  EXPECT_EQ(job->total_windows(), 6u);
}

TEST(JobTest, TrainingWindowsCarrySeedAndProgress) {
  Scenario scenario = SmallScenario();
  scenario.training.windows = 3;
  const auto job = Job::Make(scenario, Options(JobKind::kTrain, 1000));
  ASSERT_TRUE(job.ok());
  const Phase& phase = job->phases()[0];
  EXPECT_EQ(job->Window(phase, 0).training_progress(), 0.0);
  EXPECT_EQ(job->Window(phase, 1).training_progress(), 0.5);
  EXPECT_EQ(job->Window(phase, 2).training_progress(), 1.0);
  EXPECT_EQ(job->Window(phase, 1).kind(), v1::TRAIN);
  EXPECT_EQ(job->Window(phase, 1).rounds(), 4u);
  EXPECT_EQ(job->Window(phase, 1).batch_size(), 5u);
  EXPECT_EQ(job->Window(phase, 1).seed(), 7u);
}

TEST(JobTest, ASingleTrainingWindowHasProgressZero) {
  Scenario scenario = SmallScenario();
  scenario.training.windows = 1;
  const auto job = Job::Make(scenario, Options(JobKind::kTrain, 1000));
  EXPECT_EQ(job->Window(job->phases()[0], 0).training_progress(), 0.0);
}

// Every test sample once per draw, in order, no window above 100 rounds.
TEST(JobTest, EvaluationCoversEverySampleOncePerDraw) {
  for (int64_t size : {1, 4, 5, 499, 500, 501, 1203}) {
    const auto job = Job::Make(SmallScenario(), Options(JobKind::kEvaluate, size));
    ASSERT_TRUE(job.ok());
    ASSERT_EQ(job->phases().size(), 1u);
    const Phase& phase = job->phases()[0];
    uint64_t next = 0;
    uint32_t draw = 0;
    for (uint64_t i = 0; i < phase.windows; ++i) {
      const v1::OpenWindow open = job->Window(phase, i);
      if (open.cr_draw() != draw) {
        EXPECT_EQ(next, static_cast<uint64_t>(size));
        next = 0;
        ++draw;
      }
      EXPECT_EQ(open.kind(), v1::EVALUATE);
      EXPECT_EQ(open.cr_draw(), draw);
      EXPECT_EQ(open.first_sample(), next);
      EXPECT_LE(open.rounds(), 100u);
      EXPECT_GE(open.rounds() * 5, open.samples());
      EXPECT_LT((open.rounds() - 1) * 5, open.samples());
      next += open.samples();
    }
    EXPECT_EQ(next, static_cast<uint64_t>(size));
    EXPECT_EQ(draw, 1u);
  }
}

TEST(JobTest, DrawsAndSamplesOverrideTheScenario) {
  Scenario scenario = SmallScenario();
  scenario.evaluation.samples = 700;
  JobOptions options = Options(JobKind::kEvaluate, 1000);
  EXPECT_EQ(Job::Make(scenario, options)->samples(), 700);
  options.draws = 5;
  options.samples = 100;
  const auto job = Job::Make(scenario, options);
  EXPECT_EQ(job->draws(), 5);
  EXPECT_EQ(job->phases()[0].windows, 5u);
  options.samples = 5000;
  EXPECT_EQ(Job::Make(scenario, options)->samples(), 1000);  // all there are
}

TEST(JobTest, InferenceIsOneWindowOfOneRound) {
  JobOptions options = Options(JobKind::kInfer, 1000);
  options.samples = 64;
  options.batch = 8;
  options.in_flight = 4;
  const auto job = Job::Make(SmallScenario(), options);
  ASSERT_TRUE(job.ok());
  ASSERT_EQ(job->total_windows(), 1u);
  EXPECT_EQ(job->Window(job->phases()[0], 0).kind(), v1::INFER);
  EXPECT_EQ(job->Window(job->phases()[0], 0).rounds(), 1u);
  const v1::InferStart start = job->InferStart(0);
  EXPECT_EQ(start.samples(), 64u);
  EXPECT_EQ(start.batch_size(), 8u);
  EXPECT_EQ(start.in_flight(), 4u);
}

TEST(JobTest, InferenceStartsOverWhenTheTestSplitIsThrough) {
  JobOptions options = Options(JobKind::kInfer, 1000);
  EXPECT_EQ(Job::Make(SmallScenario(), options)->InferStart(0).samples(), 1000u);
  options.samples = 5000;
  EXPECT_EQ(Job::Make(SmallScenario(), options)->InferStart(0).samples(), 5000u);
}

TEST(JobTest, BadOptionsAreRefused) {
  const Scenario scenario = SmallScenario();
  EXPECT_TRUE(absl::IsInvalidArgument(Job::Make(scenario, Options(JobKind::kTrain, 0)).status()));
  JobOptions options = Options(JobKind::kInfer, 10);
  options.batch = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(Job::Make(scenario, options).status()));
  options.batch = 16385;
  EXPECT_EQ(Job::Make(scenario, options).status(),
            absl::InvalidArgumentError("batch is 16385; expected 1 to 16384"));
  options.batch = 16384;
  options.in_flight = 1025;
  EXPECT_EQ(Job::Make(scenario, options).status(),
            absl::InvalidArgumentError("in-flight is 1025; expected 1 to 1024"));
  options.in_flight = 1024;
  EXPECT_TRUE(Job::Make(scenario, options).ok());  // 2 modalities of 4 numbers: 512 MiB
  Scenario wide = scenario;
  wide.model.embedding = 5;
  const absl::Status too_much = Job::Make(wide, options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(too_much));
  EXPECT_THAT(std::string(too_much.message()), testing::HasSubstr("640 MiB"));
  options.in_flight = 512;
  EXPECT_TRUE(Job::Make(wide, options).ok());
  options = Options(JobKind::kEvaluate, 10);
  options.draws = -1;
  EXPECT_TRUE(absl::IsInvalidArgument(Job::Make(scenario, options).status()));
  EXPECT_EQ(ParseJobKind("infer").value(), JobKind::kInfer);
  EXPECT_TRUE(absl::IsInvalidArgument(ParseJobKind("trian").status()));
}

}  // namespace
}  // namespace semlink::coordinator
