#include "common/method/embedding.h"

#include <gtest/gtest.h>

#include "tests/method/tiny_scenario.h"

namespace semlink::method {
namespace {

TEST(EmbeddingTest, OneRowPerTaskAndPerModality) {
  const Scenario s = TinyScenario();
  EXPECT_EQ(TaskEmbeddings(s).sizes().vec(), (std::vector<int64_t>{2, 6}));
  EXPECT_EQ(ModalityEmbeddings(s).sizes().vec(), (std::vector<int64_t>{5, 6}));
}

TEST(EmbeddingTest, IsTenthOfANormal) {
  Scenario s = TinyScenario();
  s.model.embedding = 2000;
  const at::Tensor e = ModalityEmbeddings(s);
  EXPECT_NEAR(e.mean().item<double>(), 0, 0.004);
  EXPECT_NEAR(e.std().item<double>(), 0.1, 0.004);
}

TEST(EmbeddingTest, DependsOnTheSeedAlone) {
  Scenario s = TinyScenario();
  const at::Tensor tasks = TaskEmbeddings(s);
  s.training.beta = 7;
  EXPECT_TRUE(Same(TaskEmbeddings(s), tasks));
  EXPECT_FALSE(Same(ModalityEmbeddings(s).narrow(0, 0, 2), tasks));
  s.seed = 8;
  EXPECT_FALSE(Same(TaskEmbeddings(s), tasks));
}

}  // namespace
}  // namespace semlink::method
