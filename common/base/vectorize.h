// Loops that the compiler should vectorise for the machine that runs them, without -march=native.
#ifndef SEMLINK_COMMON_BASE_VECTORIZE_H_
#define SEMLINK_COMMON_BASE_VECTORIZE_H_

// SEMLINK_VECTORIZED before a function definition: GCC compiles it for several instruction sets
// and picks one when the program is loaded. The instruction set changes the last bits of sums, so
// results repeat to the bit on one kind of machine only. Files that use it are compiled with
// -fopenmp-simd (see common/nn/CMakeLists.txt). Other compilers and sanitizer builds (which cannot
// instrument the load-time choice) get the plain function.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SEMLINK_VECTORIZED \
  __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define SEMLINK_VECTORIZED
#endif

#endif  // SEMLINK_COMMON_BASE_VECTORIZE_H_
