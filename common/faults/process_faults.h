// What a process does to itself when the coordinator wants it killed or paused.
#ifndef SEMLINK_COMMON_FAULTS_PROCESS_FAULTS_H_
#define SEMLINK_COMMON_FAULTS_PROCESS_FAULTS_H_

#include "semlink/v1/message.pb.h"

namespace semlink {

// KILL, RESTART: SIGKILL to this process; does not return. PAUSE: stops all threads of this process
// until somebody sends it SIGCONT; a child process does after `seconds`, if that is above 0.
// Returns after that. Other kinds: nothing. Called from one thread at a time, so that there is one
// such child at most.
void SufferNow(const v1::Suffer& suffer);

}  // namespace semlink

#endif  // SEMLINK_COMMON_FAULTS_PROCESS_FAULTS_H_
