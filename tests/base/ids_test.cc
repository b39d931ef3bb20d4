#include "common/base/ids.h"

#include <gtest/gtest.h>

namespace semlink {
namespace {

TEST(IdsTest, PeopleReadNumbersFromOne) {
  EXPECT_EQ(NodeId::Coordinator().ToString(), "coordinator");
  EXPECT_EQ(NodeId::Transmitter(0).ToString(), "transmitter1");
  EXPECT_EQ(NodeId::Receiver(1).ToString(), "receiver2");
  EXPECT_EQ((Link{0, 2, 1}).ToString(), "1.3->2");
  EXPECT_EQ(NodeId::Receiver(2147483647).ToString(), "receiver2147483648");
}

TEST(IdsTest, NodesCompareByRoleAndIndex) {
  EXPECT_EQ(NodeId::Receiver(1), NodeId::Receiver(1));
  EXPECT_NE(NodeId::Receiver(1), NodeId::Receiver(0));
  EXPECT_NE(NodeId::Receiver(1), NodeId::Transmitter(1));
  EXPECT_LT(NodeId::Transmitter(5), NodeId::Receiver(0));
}

TEST(IdsTest, MembersAreAllNodesButTheCoordinatorInOrder) {
  const std::vector<NodeId> members = {NodeId::Transmitter(0), NodeId::Transmitter(1),
                                       NodeId::Receiver(0)};
  EXPECT_EQ(MembersOf(2, 1), members);
}

TEST(IdsTest, LinksSortByTransmitterModalityTask) {
  EXPECT_LT((Link{0, 9, 9}), (Link{1, 0, 0}));
  EXPECT_LT((Link{1, 0, 9}), (Link{1, 1, 0}));
  EXPECT_LT((Link{1, 1, 0}), (Link{1, 1, 1}));
  EXPECT_FALSE((Link{1, 1, 1}) < (Link{1, 1, 1}));
}

}  // namespace
}  // namespace semlink
