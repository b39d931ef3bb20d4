// Nats, bits and bytes as types of their own, so that the figures for what a link costs can't be
// mixed up.
#ifndef SEMLINK_COMMON_BASE_UNITS_H_
#define SEMLINK_COMMON_BASE_UNITS_H_

#include <cstdint>

namespace semlink {

// Amounts of one unit: they add up and compare among themselves, scale with a plain number, and
// become a plain number only by value(). `Unit` names the type, `Rep` is the number inside.
template <typename Unit, typename Rep>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }

  Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  friend constexpr Quantity operator+(Quantity a, Quantity b) {
    return Quantity(a.value_ + b.value_);
  }
  friend constexpr Quantity operator-(Quantity a, Quantity b) {
    return Quantity(a.value_ - b.value_);
  }
  friend constexpr Quantity operator*(Quantity a, Rep factor) {
    return Quantity(a.value_ * factor);
  }
  friend constexpr Quantity operator*(Rep factor, Quantity a) { return a * factor; }
  friend constexpr Quantity operator/(Quantity a, Rep divisor) {
    return Quantity(a.value_ / divisor);
  }
  friend constexpr bool operator==(Quantity a, Quantity b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Quantity a, Quantity b) { return !(a == b); }
  friend constexpr bool operator<(Quantity a, Quantity b) { return a.value_ < b.value_; }
  friend constexpr bool operator>(Quantity a, Quantity b) { return b < a; }
  friend constexpr bool operator<=(Quantity a, Quantity b) { return !(b < a); }
  friend constexpr bool operator>=(Quantity a, Quantity b) { return !(a < b); }

 private:
  Rep value_ = 0;
};

// An information rate, base e: what the estimators give.
using Nats = Quantity<struct NatsUnit, double>;
// An information rate, base 2, or a mean coded size: fractions are meaningful.
using Bits = Quantity<struct BitsUnit, double>;
// The size of something stored or sent: whole bytes. Differences must not be negative.
using Bytes = Quantity<struct BytesUnit, uint64_t>;

inline constexpr double kNatsPerBit = 0.693147180559945309417232121458;  // ln 2

constexpr Bits ToBits(Nats nats) { return Bits(nats.value() / kNatsPerBit); }
constexpr Nats ToNats(Bits bits) { return Nats(bits.value() * kNatsPerBit); }
// There is no conversion from Bits to Bytes: how a fraction of a byte is rounded is the codec's
// affair.
constexpr Bits ToBits(Bytes bytes) { return Bits(8.0 * static_cast<double>(bytes.value())); }

}  // namespace semlink

#endif  // SEMLINK_COMMON_BASE_UNITS_H_
