#include "common/scenario/extensions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace semlink {
namespace {

using ::testing::HasSubstr;

std::string WhatIsWrong(const Extension& extension) {
  return std::string(CheckExtensions(extension).message());
}

TEST(ExtensionsTest, NamesAreThoseOfTheEnumsValues) {
  const std::vector<std::string>& names = ModalityNames();
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(names[i], Name(static_cast<ModalityKind>(i)));
    EXPECT_GT(ModalitySize(static_cast<ModalityKind>(i)), 0);
  }
  for (size_t i = 0; i < TaskNames().size(); ++i) {
    EXPECT_EQ(TaskNames()[i], Name(static_cast<TaskKind>(i)));
  }
  EXPECT_EQ(ModalityNames()[static_cast<int>(ModalityKind::kMel)], "mel");
  EXPECT_EQ(TaskNames()[static_cast<int>(TaskKind::kRing)], "ring");
  EXPECT_EQ(DataSourceNames()[static_cast<int>(DataSource::kSynthetic)], "synthetic");
}

TEST(ExtensionsTest, WhatIsBuiltInIsNone) {
  EXPECT_EQ(Methods().size(), BuiltInMethods().size() + InstalledExtensions().methods.size());
  EXPECT_EQ(ExtensionOf(ModalityKind::kNoise), nullptr);
  EXPECT_EQ(ExtensionOf(static_cast<ModalityKind>(ModalityNames().size())), nullptr);
  EXPECT_TRUE(CheckExtensions(InstalledExtensions()).ok());
}

TEST(ExtensionsTest, JoinsFilesInTheirOrder) {
  Extension a, b;
  a.modalities = {{"radar", 4}};
  b.modalities = {{"lidar", 5}};
  b.tasks = {{"gait", 3, 1.0}};
  const Extension all = JoinExtensions({a, b});
  ASSERT_EQ(all.modalities.size(), 2u);
  EXPECT_EQ(all.modalities[0].name, "radar");
  EXPECT_EQ(all.modalities[1].name, "lidar");
  EXPECT_EQ(all.tasks.size(), 1u);
  EXPECT_TRUE(CheckExtensions(all).ok()) << CheckExtensions(all);
}

TEST(ExtensionsTest, NamesAreTakenOnce) {
  Extension extension;
  extension.modalities = {{"mel", 4}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("modality 'mel': there is one of this name"));
  extension.modalities = {{"Radar", 4}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("lower-case"));
  extension.modalities = {{"", 4}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("lower-case"));
  extension = {};
  extension.tasks = {{"gait", 3}, {"gait", 3}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("task 'gait'"));
  extension = {};
  extension.methods = {*FindMethod("rsdib")};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("method 'rsdib'"));
}

TEST(ExtensionsTest, RowsAreComplete) {
  Extension extension;
  extension.modalities = {{"radar", 0}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("size of 1 or more"));
  extension = {};
  extension.tasks = {{"gait", 1}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("2 or more classes"));
  extension.tasks = {{"gait", 3, 0, [](int digit) { return digit; }}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("classes from 0 to"));
  extension = {};
  extension.data_sets = {{"walks"}};
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("count, features and labels"));
  extension = {};
  extension.methods = {*FindMethod("rsdib")};
  extension.methods[0].name = "mine";
  extension.methods[0].selection = SelectionRule::kFunction;
  EXPECT_THAT(WhatIsWrong(extension), HasSubstr("a function for its links"));
}

}  // namespace
}  // namespace semlink
