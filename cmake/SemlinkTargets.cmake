# Flags shared by every target, and the functions with which the folders declare theirs.
add_library(semlink_flags INTERFACE)
# -pthread everywhere: a precompiled header is only taken by files compiled with the same flags.
target_compile_options(semlink_flags INTERFACE -Wall -Wextra -Wno-unused-parameter -pthread)
target_include_directories(semlink_flags INTERFACE "${PROJECT_SOURCE_DIR}")
if(SEMLINK_SANITIZE STREQUAL "address")
  target_compile_options(semlink_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(semlink_flags INTERFACE -fsanitize=address,undefined)
elseif(SEMLINK_SANITIZE STREQUAL "thread")
  target_compile_options(semlink_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(semlink_flags INTERFACE -fsanitize=thread)
elseif(SEMLINK_SANITIZE STREQUAL "fuzzer")
  # libFuzzer comes with clang. The fuzzers themselves link its main function: tests/fuzz/CMakeLists.txt.
  set(fuzzing -fsanitize=fuzzer-no-link,address,undefined)
  target_compile_options(semlink_flags INTERFACE ${fuzzing} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(semlink_flags INTERFACE ${fuzzing})
elseif(NOT SEMLINK_SANITIZE STREQUAL "")
  message(FATAL_ERROR "SEMLINK_SANITIZE is '${SEMLINK_SANITIZE}': expected empty, address, thread or fuzzer")
endif()
find_program(SEMLINK_LLD ld.lld)
if(SEMLINK_LLD)
  target_link_options(semlink_flags INTERFACE -fuse-ld=lld)
endif()

# The code under test is optimised as released; the tests around it are built for a short build.
add_library(semlink_test_flags INTERFACE)
target_compile_options(semlink_test_flags INTERFACE $<$<CONFIG:Release>:-O1>)
target_link_libraries(semlink_test_flags INTERFACE GTest::gmock GTest::gtest_main)

# semlink_join_sources(TARGET): its sources are compiled ten at a time, as one. Half of what the compiler does for a file is for the
# inline functions of gRPC, Protocol Buffers, fmt and CLI11, again for each file. -DSEMLINK_UNITY=OFF compiles each alone.
function(semlink_join_sources target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${SEMLINK_UNITY} UNITY_BUILD_BATCH_SIZE 10)
endfunction()

# semlink_library(NAME SOURCES a.cc b.cc DEPS x y)
function(semlink_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC semlink_flags ${ARG_DEPS})
  semlink_precompile(${name})
  semlink_join_sources(${name})
endfunction()

# semlink_program(NAME SOURCES main.cc DEPS x y): a program that `cmake --install` puts into bin/
function(semlink_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE semlink_flags ${ARG_DEPS})
  semlink_precompile(${name})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# semlink_test(NAME SOURCES a_test.cc DEPS x y [LABELS unit] [SEPARATE]): one GoogleTest program, one ctest entry. SEPARATE: its
# sources use the same names for different things, so each is compiled alone
function(semlink_test name)
  cmake_parse_arguments(ARG "SEPARATE" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE semlink_flags semlink_test_flags ${ARG_DEPS})
  semlink_precompile(${name} tests)
  if(NOT ARG_SEPARATE)
    semlink_join_sources(${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set(environment OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1)
  if(SEMLINK_SANITIZE STREQUAL "thread")
    # TSan has to be told about the packaged absl::Mutex, and not to look into gRPC.
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/tsan_absl_mutex.cc")
    target_link_libraries(${name} PRIVATE ${CMAKE_DL_LIBS})
    list(APPEND environment
      "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/cmake/tsan.supp ignore_noninstrumented_modules=1")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "${environment}")
  foreach(source ${ARG_SOURCES})
    get_filename_component(source "${source}" ABSOLUTE)
    set_property(GLOBAL APPEND PROPERTY SEMLINK_TEST_SOURCES "${source}")
  endforeach()
endfunction()
