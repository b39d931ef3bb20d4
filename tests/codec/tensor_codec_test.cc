#include "common/codec/tensor_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

namespace semlink::codec {
namespace {

using ::testing::HasSubstr;

at::Tensor Ramp(at::IntArrayRef shape) {
  at::Tensor x = at::empty(shape, at::kFloat);
  for (int64_t i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = 0.1f * static_cast<float>(i - 3);
  return x;
}

TEST(TensorCodecTest, ComesBackBitForBit) {
  const std::vector<std::vector<int64_t>> shapes = {{},        {1},    {5},   {3, 4},
                                                    {2, 3, 4}, {0, 6}, {6, 0}};
  for (const std::vector<int64_t>& shape : shapes) {
    const at::Tensor x = Ramp(shape);
    const auto back = DecodeFloat32(EncodeFloat32(x), shape, "x");
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->sizes().vec(), shape);
    EXPECT_TRUE(at::equal(*back, x));
  }
}

TEST(TensorCodecTest, PayloadIsRowMajorFloat32) {
  const v1::Tensor message = EncodeFloat32(Ramp({2, 3}).t());  // not contiguous
  ASSERT_EQ(message.shape_size(), 2);
  EXPECT_EQ(message.shape(0), 3u);
  EXPECT_EQ(message.shape(1), 2u);
  EXPECT_EQ(message.dtype(), v1::Tensor::FLOAT32);
  ASSERT_EQ(message.data().size(), 24u);
  float second;
  std::memcpy(&second, message.data().data() + 4, 4);
  EXPECT_EQ(second, Ramp({2, 3})[1][0].item<float>());
}

TEST(TensorCodecTest, OtherTypesAndGraphsAreSentAsPlainFloat32) {
  const at::Tensor x = Ramp({4});
  EXPECT_EQ(EncodeFloat32(x.to(at::kDouble)).data(), EncodeFloat32(x).data());
  EXPECT_EQ(EncodeFloat32(x.clone().requires_grad_(true)).data(), EncodeFloat32(x).data());
}

TEST(TensorCodecTest, DecodedTensorOwnsItsNumbers) {
  v1::Tensor message = EncodeFloat32(Ramp({4}));
  const at::Tensor decoded = DecodeFloat32(message, {4}, "x").value();
  message.mutable_data()->assign(16, '\0');
  EXPECT_TRUE(at::equal(decoded, Ramp({4})));
}

struct Damage {
  const char* name;
  std::function<void(v1::Tensor*)> apply;
  const char* expected;
};

void Put(v1::Tensor* message, size_t i, float value) {
  std::memcpy(message->mutable_data()->data() + 4 * i, &value, 4);
}

class RefusalTest : public ::testing::TestWithParam<Damage> {};

TEST_P(RefusalTest, IsRefusedWithTheName) {
  v1::Tensor message = EncodeFloat32(Ramp({3, 2}));
  ASSERT_TRUE(DecodeFloat32(message, {3, 2}, "features").ok());
  GetParam().apply(&message);
  const auto result = DecodeFloat32(message, {3, 2}, "features");
  ASSERT_TRUE(absl::IsInvalidArgument(result.status())) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("features: "));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(GetParam().expected));
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

INSTANTIATE_TEST_SUITE_P(
    Damages, RefusalTest,
    ::testing::Values(
        Damage{"NoType", [](v1::Tensor* x) { x->clear_dtype(); }, "dtype"},
        Damage{"UnknownType",
               [](v1::Tensor* x) { x->set_dtype(static_cast<v1::Tensor::DType>(7)); }, "dtype"},
        Damage{"OtherRows", [](v1::Tensor* x) { x->set_shape(0, 2); }, "shape is [2, 2]"},
        Damage{"Transposed",
               [](v1::Tensor* x) {
                 x->set_shape(0, 2);
                 x->set_shape(1, 3);
               },
               "expected [3, 2]"},
        Damage{"OneAxisMore", [](v1::Tensor* x) { x->add_shape(1); }, "shape"},
        Damage{"NoShape", [](v1::Tensor* x) { x->clear_shape(); }, "shape"},
        Damage{"HugeShape", [](v1::Tensor* x) { x->set_shape(0, UINT32_MAX); }, "shape"},
        Damage{"ShortPayload", [](v1::Tensor* x) { x->mutable_data()->pop_back(); }, "23 bytes"},
        Damage{"LongPayload", [](v1::Tensor* x) { x->mutable_data()->push_back(0); }, "25 bytes"},
        Damage{"NoPayload", [](v1::Tensor* x) { x->clear_data(); }, "0 bytes"},
        Damage{"Nan", [](v1::Tensor* x) { Put(x, 5, kNan); }, "not finite"},
        Damage{"Infinity", [](v1::Tensor* x) { Put(x, 0, kInfinity); }, "not finite"},
        Damage{"OppositeInfinities",
               [](v1::Tensor* x) {
                 Put(x, 1, kInfinity);
                 Put(x, 2, -kInfinity);
               },
               "not finite"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace semlink::codec
