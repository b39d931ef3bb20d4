# Precompiled headers. libtorch's headers take seven seconds to read, Abseil's and Protocol Buffers' three; two hundred
# files read them. There is one precompiled header for each way in which files are compiled: with tensors or without,
# tests (with GoogleTest, and optimised less) or not.
# Every source names what it includes all the same: -DSEMLINK_PRECOMPILE=OFF builds without.
set(semlink_plain_headers
  <algorithm> <functional> <map> <memory> <optional> <set> <string> <string_view> <utility> <vector>
  <absl/status/status.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/strings/str_format.h>
  <absl/strings/str_join.h> <absl/strings/str_split.h> <absl/synchronization/mutex.h> <absl/time/time.h>
  <nlohmann/json.hpp> <semlink/v1/message.pb.h>)
set(semlink_tensor_headers <ATen/ATen.h> <torch/csrc/autograd/custom_function.h>)

# semlink_precompiled_header(KIND HEADERS... ): the library whose header targets of that kind share
function(semlink_precompiled_header kind)
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPS" ${ARGN})
  set(empty "${CMAKE_CURRENT_BINARY_DIR}/precompiled_${kind}.cc")
  file(GENERATE OUTPUT "${empty}" CONTENT "")
  add_library(semlink_precompiled_${kind} OBJECT EXCLUDE_FROM_ALL "${empty}")
  target_link_libraries(semlink_precompiled_${kind} PRIVATE
    semlink_flags semlink_proto nlohmann_json::nlohmann_json ${ARG_DEPS})
  target_precompile_headers(semlink_precompiled_${kind} PRIVATE ${semlink_plain_headers} ${ARG_HEADERS})
endfunction()

if(SEMLINK_PRECOMPILE)
  semlink_precompiled_header(plain)
  semlink_precompiled_header(tensor HEADERS ${semlink_tensor_headers} DEPS semlink_torch)
  if(SEMLINK_TESTS)
    semlink_precompiled_header(plain_tests HEADERS <gmock/gmock.h> <gtest/gtest.h> DEPS semlink_test_flags)
    semlink_precompiled_header(tensor_tests HEADERS ${semlink_tensor_headers} <gmock/gmock.h> <gtest/gtest.h>
      DEPS semlink_torch semlink_test_flags)
  endif()
endif()

# Sets OUT to whether TARGET links semlink_torch, itself or through another library of ours.
function(semlink_uses_tensors target out)
  set(found FALSE)
  get_target_property(deps ${target} LINK_LIBRARIES)
  foreach(dep ${deps})
    if(dep STREQUAL "semlink_torch")
      set(found TRUE)
    elseif(TARGET ${dep} AND dep MATCHES "^semlink_" AND NOT found)
      get_target_property(type ${dep} TYPE)
      if(NOT type STREQUAL "INTERFACE_LIBRARY")
        semlink_uses_tensors(${dep} found)
      endif()
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# semlink_precompile(TARGET [tests]): TARGET uses the precompiled header of its kind
function(semlink_precompile target)
  if(NOT SEMLINK_PRECOMPILE)
    return()
  endif()
  semlink_uses_tensors(${target} tensors)
  set(kind plain)
  if(tensors)
    set(kind tensor)
  endif()
  if("tests" IN_LIST ARGN)
    string(APPEND kind _tests)
  endif()
  target_precompile_headers(${target} REUSE_FROM semlink_precompiled_${kind})
endfunction()
