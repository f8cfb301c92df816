# SPDX-License-Identifier: Apache-2.0
#
# find_package(OpstreamPlugin): the headers, and functions for plugins that are built outside of
# OpStream, from where it is installed or from its source tree (-D OpstreamPlugin_DIR=.../sdk).
#
#   opstream_add_plugin(NAME SOURCES file... ...)       see OpstreamPlugin.cmake; made in the build
#                                                       folder, as plugins/ID/ID.so
#   opstream_add_plugin_test(NAME SOURCES file...)      a cmocka program with the test host
#                                                       (opstream/test.h), which ctest runs; it finds
#                                                       the plugin NAME at PLUGIN, a text
#
# `cmake --install` puts a plugin where OpStream looks for it: beside OpStream's own when the prefix
# is the same, else into PREFIX/lib/TRIPLET/opstream/plugins.

include(GNUInstallDirs)

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/include/opstream/plugin.h)
  set(_opstream_include ${CMAKE_CURRENT_LIST_DIR}/include)
  set(_opstream_cmake ${CMAKE_CURRENT_LIST_DIR}/../packaging/cmake)
  enable_language(C) # the tool for the manifest's note is compiled here
else()
  # LIBDIR/cmake/OpstreamPlugin; LIBDIR is lib or lib/TRIPLET
  set(_opstream_cmake ${CMAKE_CURRENT_LIST_DIR})
  find_path(_opstream_include opstream/plugin.h
    PATHS ${CMAKE_CURRENT_LIST_DIR}/../../../include ${CMAKE_CURRENT_LIST_DIR}/../../../../include
    NO_DEFAULT_PATH NO_CACHE REQUIRED)
  get_filename_component(_opstream_prefix ${_opstream_include} DIRECTORY)
  get_filename_component(_opstream_library ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
  if(NOT TARGET opstream-manifest-note)
    add_executable(opstream-manifest-note IMPORTED)
    set_target_properties(opstream-manifest-note PROPERTIES
      IMPORTED_LOCATION ${_opstream_library}/opstream/opstream-manifest-note)
  endif()
endif()

if(NOT TARGET opstream_sdk)
  add_library(opstream_sdk INTERFACE IMPORTED)
  target_include_directories(opstream_sdk INTERFACE ${_opstream_include})
endif()
if(CMAKE_INSTALL_PREFIX STREQUAL "${_opstream_prefix}")
  file(RELATIVE_PATH OPSTREAM_PLUGIN_INSTALL_DIR ${_opstream_prefix} ${_opstream_library}/opstream/plugins)
else()
  set(OPSTREAM_PLUGIN_INSTALL_DIR lib/${CMAKE_LIBRARY_ARCHITECTURE}/opstream/plugins)
endif()
set(OPSTREAM_MODULE_DIR ${CMAKE_BINARY_DIR})
set(OPSTREAM_NO_UNDEFINED -Wl,-z,defs)
include(${_opstream_cmake}/OpstreamPlugin.cmake)

function(opstream_add_plugin_test name)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  find_package(PkgConfig QUIET)
  if(NOT PkgConfig_FOUND)
    message(NOTICE "the tests of ${name} are left out: they need pkg-config")
    return()
  endif()
  # one by one, and what the first requires before it, so that the one that is missing can be named
  foreach(module libuv libmd opstream-plugin-test-1 cmocka)
    pkg_check_modules(OPSTREAM_PLUGIN_TEST QUIET ${module})
    if(NOT OPSTREAM_PLUGIN_TEST_FOUND)
      message(NOTICE "the tests of ${name} are left out: pkg-config does not find ${module}; "
        "install it, or name its folder in PKG_CONFIG_PATH")
      return()
    endif()
  endforeach()
  pkg_check_modules(OPSTREAM_PLUGIN_TEST QUIET REQUIRED IMPORTED_TARGET opstream-plugin-test-1 cmocka)
  add_executable(test-${name} ${arg_SOURCES})
  target_link_libraries(test-${name} PRIVATE PkgConfig::OPSTREAM_PLUGIN_TEST)
  target_compile_definitions(test-${name} PRIVATE PLUGIN="$<TARGET_FILE:plugin-${name}>")
  add_dependencies(test-${name} plugin-${name})
  add_test(NAME ${name} COMMAND test-${name})
endfunction()
