// A task: how many closed loops the digit has when it is written.
#include "common/scenario/extensions.h"

namespace semlink::extensions {
namespace {

// Class 0: none (1, 2, 3, 4, 5, 7). Class 1: one (0, 6, 9). Class 2: two (8).
int Loops(int digit) {
  if (digit == 8) return 2;
  return digit == 0 || digit == 6 || digit == 9 ? 1 : 0;
}

}  // namespace

Extension loops() {
  TaskExtension task;
  task.name = "loops";
  task.classes = 3;
  task.baseline = 0.9;  // nats: the entropy of 6/10, 3/10, 1/10
  task.class_of_digit = Loops;
  Extension extension;
  extension.tasks = {task};
  return extension;
}

}  // namespace semlink::extensions
