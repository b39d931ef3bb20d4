#include "common/transport/mailbox.h"

#include <thread>

#include "common/base/clock.h"
#include "gtest/gtest.h"

namespace semlink {
namespace {

using Kind = Mailbox::Event::Kind;

TEST(MailboxTest, FirstInFirstOutWithAllItsFields) {
  Mailbox mailbox;
  mailbox.PostPeerUp(NodeId::Receiver(3));
  v1::Message message;
  message.mutable_commit()->set_window(5);
  mailbox.PostMessage(NodeId::Coordinator(), message);
  mailbox.PostPeerDown(NodeId::Receiver(3), absl::UnavailableError("cut"));
  int calls = 0;
  mailbox.PostCall([&] {
    ++calls;
    return absl::OkStatus();
  });
  Mailbox::Event event = mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(event.kind, Kind::kPeerUp);
  EXPECT_EQ(event.peer, NodeId::Receiver(3));
  event = mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(event.kind, Kind::kMessage);
  EXPECT_EQ(event.peer, NodeId::Coordinator());
  EXPECT_EQ(event.message.commit().window(), 5u);
  event = mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(event.kind, Kind::kPeerDown);
  EXPECT_EQ(event.status.message(), "cut");
  event = mailbox.Take(absl::Seconds(1));
  ASSERT_EQ(event.kind, Kind::kCall);
  EXPECT_TRUE(event.call().ok());
  EXPECT_EQ(calls, 1);
}

TEST(MailboxTest, AnInterruptGoesFirst) {
  Mailbox mailbox;
  mailbox.PostPeerUp(NodeId::Receiver(0));
  mailbox.PostInterrupt(15);
  const Mailbox::Event event = mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(event.kind, Kind::kInterrupt);
  EXPECT_EQ(event.signal, 15);
  EXPECT_EQ(mailbox.Take(absl::Seconds(1)).kind, Kind::kPeerUp);
}

TEST(MailboxTest, WhatWaitsIsCountedByPeer) {
  Mailbox mailbox;
  const NodeId one = NodeId::Receiver(0), other = NodeId::Receiver(1);
  mailbox.PostMessage(one, v1::Message(), 5000);
  mailbox.PostPeerDown(one, absl::UnavailableError("cut"));
  mailbox.PostMessage(other, v1::Message(), 100);
  mailbox.PostInterrupt(15);
  EXPECT_EQ(mailbox.Waiting(one), 5000 + 2 * Mailbox::kEventBytes);
  EXPECT_EQ(mailbox.Waiting(other), 100 + Mailbox::kEventBytes);
  mailbox.Take(absl::Seconds(1));  // the interrupt
  mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(mailbox.Waiting(one), Mailbox::kEventBytes);
  mailbox.Take(absl::Seconds(1));
  EXPECT_EQ(mailbox.Waiting(one), 0u);
  EXPECT_EQ(mailbox.Waiting(other), 100 + Mailbox::kEventBytes);
}

TEST(MailboxTest, TicksWhenNothingComes) {
  Mailbox mailbox;
  RealClock clock;
  const absl::Duration start = clock.Now();
  EXPECT_EQ(mailbox.Take(absl::Milliseconds(50)).kind, Kind::kTick);
  EXPECT_GE(clock.Now() - start, absl::Milliseconds(45));
}

TEST(MailboxTest, APostWakesTheTaker) {
  Mailbox mailbox;
  std::thread poster([&] { mailbox.PostPeerUp(NodeId::Receiver(0)); });
  EXPECT_EQ(mailbox.Take(absl::Seconds(30)).kind, Kind::kPeerUp);
  poster.join();
}

}  // namespace
}  // namespace semlink
