#include "common/base/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <type_traits>
#include <utility>

namespace semlink {
namespace {

TEST(UnitsTest, NatsAndBitsConvertByTheNaturalLogarithmOfTwo) {
  EXPECT_DOUBLE_EQ(ToBits(Nats(std::log(2.0))).value(), 1);
  EXPECT_DOUBLE_EQ(ToNats(Bits(1)).value(), std::log(2.0));
  EXPECT_DOUBLE_EQ(ToBits(Nats(166.78)).value(), 166.78 / std::log(2.0));
  EXPECT_DOUBLE_EQ(ToNats(ToBits(Nats(3.25))).value(), 3.25);
}

TEST(UnitsTest, AByteHasEightBits) { EXPECT_EQ(ToBits(Bytes(3)), Bits(24)); }

TEST(UnitsTest, AmountsOfOneUnitAddScaleAndCompare) {
  Bytes total;
  EXPECT_EQ(total.value(), 0u);
  total += Bytes(10);
  total += Bytes(5);
  total -= Bytes(3);
  EXPECT_EQ(total, Bytes(12));
  EXPECT_EQ(Bytes(7) + Bytes(5), total);
  EXPECT_EQ(Bytes(20) - Bytes(8), total);
  EXPECT_EQ(Nats(1.5) * 2, Nats(3));
  EXPECT_EQ(2 * Nats(1.5), Nats(6) / 2);
  EXPECT_TRUE(Bits(1) < Bits(2) && Bits(2) > Bits(1) && Bits(1) != Bits(2));
  EXPECT_TRUE(Bits(1) <= Bits(1) && Bits(1) >= Bits(1) && !(Bits(2) <= Bits(1)));
}

// What the types are for: none of these may compile.
template <typename A, typename B, typename = void>
struct CanAdd : std::false_type {};
template <typename A, typename B>
struct CanAdd<A, B, std::void_t<decltype(std::declval<A>() + std::declval<B>())>> : std::true_type {
};

TEST(UnitsTest, UnitsDoNotMix) {
  EXPECT_TRUE((CanAdd<Nats, Nats>::value)) << "the check itself works";
  EXPECT_FALSE((CanAdd<Nats, Bits>::value));
  EXPECT_FALSE((CanAdd<Bits, Bytes>::value));
  EXPECT_FALSE((CanAdd<Nats, double>::value));
  EXPECT_FALSE((std::is_convertible_v<double, Nats>));
  EXPECT_FALSE((std::is_convertible_v<Nats, double>));
  EXPECT_FALSE((std::is_constructible_v<Bits, Nats>));
  EXPECT_FALSE((std::is_constructible_v<Bytes, Bits>));
}

}  // namespace
}  // namespace semlink
