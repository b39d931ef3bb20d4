// What a program with networks does once, at the start of main().
#ifndef SEMLINK_COMMON_NN_PROCESS_SETUP_H_
#define SEMLINK_COMMON_NN_PROCESS_SETUP_H_

namespace semlink::nn {

// Keeps freed memory in the process. With glibc's defaults each tensor above 128 KiB may be mapped
// and unmapped on every use, and every page of it faults anew. One arena is used, so that what one
// thread frees serves another. Does nothing with other C libraries. Call before threads start.
void TuneAllocator();

// One thread of computation: ATen, OpenMP and OpenBLAS if it is loaded. Processes are our
// parallelism; a second thread on a busy core spins and makes a window several times slower.
// OPENBLAS_NUM_THREADS=1 in the environment also keeps OpenBLAS from starting its threads at load.
void UseOneThread();

}  // namespace semlink::nn

#endif  // SEMLINK_COMMON_NN_PROCESS_SETUP_H_
