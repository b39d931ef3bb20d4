#include "report/timeline.h"

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/report/run_folders.h"

namespace semlink::report {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TimelineTest : public ::testing::Test {
 protected:
  void Event(int second, const std::string& fields) {
    char time[64];
    snprintf(time, sizeof(time), "2026-01-31T12:%02d:%02d.000Z", second / 60, second % 60);
    std::ofstream(path_ + "/events.jsonl", std::ios::app)
        << "{\"time\":\"" << time << "\"," << fields << "}\n";
  }
  std::vector<Occasion> Read() {
    run_ = MustRead(path_, "run");
    return OccasionsOf(run_);
  }

  RunFolders folders_;
  std::string path_ = folders_.Write("run", {});
  RunData run_;
};

TEST_F(TimelineTest, NothingHappened) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_EQ(RenderTimeline(run_, {}, "t"), "");
}

TEST_F(TimelineTest, EndsAreJoinedToTheirBeginnings) {
  Event(70, "\"event\":\"node_joined\",\"node\":\"transmitter1\"");  // for the first time
  Event(80, "\"event\":\"fault_began\",\"id\":1,\"fault\":\"kill <x>\",\"window\":3");
  Event(81, "\"event\":\"node_lost\",\"node\":\"transmitter1\",\"reason\":\"gone\"");
  Event(82, "\"event\":\"aborted\",\"window\":3,\"reason\":\"lost\"");
  Event(95, "\"event\":\"fault_ended\",\"id\":1,\"window\":4");
  Event(99, "\"event\":\"node_joined\",\"node\":\"transmitter1\"");
  const std::vector<Occasion> occasions = Read();
  ASSERT_THAT(occasions, SizeIs(3));
  EXPECT_TRUE(occasions[0].fault);
  EXPECT_DOUBLE_EQ(occasions[0].begin, 80);
  EXPECT_DOUBLE_EQ(occasions[0].end, 95);
  EXPECT_EQ(occasions[0].source, "run/events.jsonl:4-7");
  EXPECT_DOUBLE_EQ(occasions[1].end, 99);
  EXPECT_DOUBLE_EQ(occasions[2].end, occasions[2].begin);
  const std::string svg = RenderTimeline(run_, occasions, "t");
  EXPECT_THAT(svg, HasSubstr("kill &lt;x&gt;, window 3"));
  EXPECT_THAT(svg, HasSubstr("data-source=\"run/events.jsonl:4-7\""));
  EXPECT_THAT(OccasionTable(run_, occasions, "t").rows, SizeIs(3));
}

TEST_F(TimelineTest, AResumeEndsWhatNoEventEnds) {
  Event(70, "\"event\":\"pair_down\",\"transmitter\":\"transmitter1\",\"receiver\":\"receiver2\"");
  Event(71, "\"event\":\"resumed\",\"window\":3");
  Event(72, "\"event\":\"replay_started\",\"windows\":2");
  Event(75, "\"event\":\"replay_given_up\"");
  Event(76, "\"event\":\"training_started\",\"windows\":4");
  Event(90, "\"event\":\"checkpoint\",\"window\":4");
  const std::vector<Occasion> occasions = Read();
  ASSERT_THAT(occasions, SizeIs(3));
  EXPECT_DOUBLE_EQ(occasions[0].end, 76);
  EXPECT_FALSE(occasions[0].open);
  EXPECT_DOUBLE_EQ(occasions[2].end, 75);
  EXPECT_FALSE(occasions[2].open);
}

TEST_F(TimelineTest, WhatDidNotEndLastsToTheEnd) {
  Event(70, "\"event\":\"pair_down\",\"transmitter\":\"transmitter1\",\"receiver\":\"receiver2\"");
  Event(75, "\"event\":\"checkpoint\",\"window\":3");
  const std::vector<Occasion> occasions = Read();
  ASSERT_THAT(occasions, SizeIs(1));
  EXPECT_TRUE(occasions[0].open);
  EXPECT_DOUBLE_EQ(occasions[0].end, 75);
  EXPECT_THAT(OccasionTable(run_, occasions, "t").rows[0].cells[1].text, HasSubstr("to the end"));
}

}  // namespace
}  // namespace semlink::report
