#include "tests/fuzz/mutate_message.h"

#include <cstdint>
#include <limits>
#include <string>

namespace semlink::fuzz {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

uint64_t OddInteger(Input* input) {
  constexpr uint64_t kOdd[] = {0, 1, 2, 255, 65536, INT32_MAX, UINT32_MAX, UINT64_MAX};
  const int which = input->Below(16);
  return which < 8 ? kOdd[which] : input->Byte();
}

// Infinite, the greatest and the smallest of its type, not a number, or a plain one.
template <typename Float>
Float OddFloat(Input* input) {
  using Limits = std::numeric_limits<Float>;
  constexpr Float kOdd[] = {Limits::quiet_NaN(),
                            Limits::infinity(),
                            -Limits::infinity(),
                            Limits::max(),
                            Limits::lowest(),
                            Limits::denorm_min(),
                            -1,
                            0};
  const int which = input->Below(16);
  return which < 8 ? kOdd[which] : static_cast<Float>(input->Byte()) / 16;
}

std::string OddText(Input* input, std::string text) {
  const int what = input->Below(4);
  if (what == 0) text.resize(text.size() / 2);
  if (what == 1) text += std::string(input->Bytes(8));
  if (what == 2 && !text.empty()) text[input->Byte() % text.size()] ^= 0x40;
  if (what == 3) text.resize(text.size() + 4 * input->Below(64), '\xff');
  return text;
}

// One scalar, given by how to set it: Set...() of a field or of an element of it.
#define SEMLINK_SET_SCALAR(prefix, ...)                                                \
  switch (field->cpp_type()) {                                                         \
    case FieldDescriptor::CPPTYPE_UINT32:                                              \
      return r->prefix##UInt32(__VA_ARGS__, static_cast<uint32_t>(OddInteger(input))); \
    case FieldDescriptor::CPPTYPE_UINT64:                                              \
      return r->prefix##UInt64(__VA_ARGS__, OddInteger(input));                        \
    case FieldDescriptor::CPPTYPE_INT32:                                               \
      return r->prefix##Int32(__VA_ARGS__, static_cast<int32_t>(OddInteger(input)));   \
    case FieldDescriptor::CPPTYPE_INT64:                                               \
      return r->prefix##Int64(__VA_ARGS__, static_cast<int64_t>(OddInteger(input)));   \
    case FieldDescriptor::CPPTYPE_DOUBLE:                                              \
      return r->prefix##Double(__VA_ARGS__, OddFloat<double>(input));                  \
    case FieldDescriptor::CPPTYPE_FLOAT:                                               \
      return r->prefix##Float(__VA_ARGS__, OddFloat<float>(input));                    \
    case FieldDescriptor::CPPTYPE_BOOL:                                                \
      return r->prefix##Bool(__VA_ARGS__, input->Below(2) == 1);                       \
    case FieldDescriptor::CPPTYPE_ENUM:                                                \
      return r->prefix##EnumValue(__VA_ARGS__, input->Below(12));                      \
    default:                                                                           \
      return;                                                                          \
  }

void SetScalar(Input* input, const FieldDescriptor* field, Message* message) {
  const Reflection* r = message->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return r->SetString(message, field, OddText(input, r->GetString(*message, field)));
  }
  SEMLINK_SET_SCALAR(Set, message, field)
}

void SetElement(Input* input, const FieldDescriptor* field, int i, Message* message) {
  const Reflection* r = message->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    const std::string text = r->GetRepeatedString(*message, field, i);
    return r->SetRepeatedString(message, field, i, OddText(input, text));
  }
  SEMLINK_SET_SCALAR(SetRepeated, message, field, i)
}

void AddElement(Input* input, const FieldDescriptor* field, Message* message) {
  const Reflection* r = message->GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return r->AddString(message, field, std::string(input->Bytes(8)));
  }
  SEMLINK_SET_SCALAR(Add, message, field)
}
#undef SEMLINK_SET_SCALAR

void AddMessage(const FieldDescriptor* field, int like, Message* message) {
  const Reflection* r = message->GetReflection();
  Message* added = r->AddMessage(message, field);
  if (like >= 0) added->CopyFrom(r->GetRepeatedMessage(*message, field, like));
}

void MutateList(Input* input, const FieldDescriptor* field, Message* message) {
  const Reflection* r = message->GetReflection();
  const int size = r->FieldSize(*message, field);
  const bool messages = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  const int what = input->Below(4);
  const int i = size > 0 ? input->Byte() % size : -1;
  if (what == 0 || size == 0) {
    if (messages) {
      AddMessage(field, i, message);
    } else {
      AddElement(input, field, message);
    }
  } else if (what == 1) {
    r->RemoveLast(message, field);
  } else if (what == 2) {
    r->SwapElements(message, field, i, size - 1);
  } else if (messages) {
    MutateField(input, r->MutableRepeatedMessage(message, field, i));
  } else {
    SetElement(input, field, i, message);
  }
}

}  // namespace

void MutateField(Input* input, Message* message) {
  const int fields = message->GetDescriptor()->field_count();
  if (fields == 0) return;
  const FieldDescriptor* field = message->GetDescriptor()->field(input->Byte() % fields);
  if (field->is_repeated()) return MutateList(input, field, message);
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return SetScalar(input, field, message);
  }
  MutateField(input, message->GetReflection()->MutableMessage(message, field));
}

void MutateSome(Input* input, Message* message) {
  const int changes = input->Below(4);
  for (int i = 0; i < changes; ++i) MutateField(input, message);
}

}  // namespace semlink::fuzz
