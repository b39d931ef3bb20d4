# semlink_extension_sources(OUT FOLDER): sets OUT to the .cc files in FOLDER (none if it is "") and to a generated source with the
# table of what they define, InstalledExtensions() of common/scenario/extensions.h. A file NAME.cc defines
# semlink::extensions::NAME(). The table is an object of its own in semlink_scenario: a program that has one among its own sources
# links that one.
function(semlink_extension_sources out folder)
  set(files)
  if(NOT folder STREQUAL "")
    get_filename_component(folder "${folder}" ABSOLUTE BASE_DIR "${PROJECT_SOURCE_DIR}")
    file(GLOB files CONFIGURE_DEPENDS "${folder}/*.cc")
    if(NOT files)
      message(FATAL_ERROR "SEMLINK_EXTENSIONS is '${folder}': expected a folder with a .cc file for each extension")
    endif()
  endif()
  set(declarations "")
  set(calls "")
  foreach(file ${files})
    get_filename_component(name "${file}" NAME_WE)
    if(NOT name MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
      message(FATAL_ERROR "${file}: expected a name that is a C++ function's, as the file defines semlink::extensions::NAME()")
    endif()
    string(APPEND declarations "Extension ${name}();\n")
    string(APPEND calls "      extensions::${name}(),\n")
  endforeach()
  set(table "${CMAKE_CURRENT_BINARY_DIR}/installed_extensions.cc")
  file(CONFIGURE OUTPUT "${table}" @ONLY CONTENT [[
// Written by cmake/SemlinkExtensions.cmake.
#include "common/scenario/extensions.h"

namespace semlink {
namespace extensions {
@declarations@}  // namespace extensions

const Extension& InstalledExtensions() {
  static const auto& all = *new Extension(JoinExtensions({
@calls@  }));
  return all;
}

}  // namespace semlink
]])
  set_source_files_properties(${files} "${table}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set(${out} ${files} "${table}" PARENT_SCOPE)
endfunction()
