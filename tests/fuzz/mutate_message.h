// Honest messages made dishonest, field by field: what a parser lets through and a handler has to
// refuse.
#ifndef SEMLINK_TESTS_FUZZ_MUTATE_MESSAGE_H_
#define SEMLINK_TESTS_FUZZ_MUTATE_MESSAGE_H_

#include "google/protobuf/message.h"
#include "tests/fuzz/fuzz.h"

namespace semlink::fuzz {

// Changes up to three fields of `message`, wherever the input says.
void MutateSome(Input* input, google::protobuf::Message* message);

// Changes one field: goes down from a field to one of its own, sets a number to an odd one, cuts or
// fills a string, drops, doubles or swaps elements of a list.
void MutateField(Input* input, google::protobuf::Message* message);

}  // namespace semlink::fuzz

#endif  // SEMLINK_TESTS_FUZZ_MUTATE_MESSAGE_H_
