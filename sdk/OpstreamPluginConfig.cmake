# SPDX-License-Identifier: Apache-2.0
#
# find_package(OpstreamPlugin): headers and opstream_add_plugin() for plugins that are built outside
# of OpStream, from its source tree (-D OpstreamPlugin_DIR=.../sdk) or from where it is installed.
# Plugins are made in the build folder, as plugins/ID/ID.so.

include(GNUInstallDirs)

if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/include/opstream/plugin.h)
  set(_opstream_include ${CMAKE_CURRENT_LIST_DIR}/include)
  set(_opstream_cmake ${CMAKE_CURRENT_LIST_DIR}/../packaging/cmake)
else()
  # LIBDIR/cmake/OpstreamPlugin; LIBDIR is lib or lib/TRIPLET
  set(_opstream_cmake ${CMAKE_CURRENT_LIST_DIR})
  find_path(_opstream_include opstream/plugin.h
    PATHS ${CMAKE_CURRENT_LIST_DIR}/../../../include ${CMAKE_CURRENT_LIST_DIR}/../../../../include
    NO_DEFAULT_PATH NO_CACHE REQUIRED)
endif()

if(NOT TARGET opstream_sdk)
  add_library(opstream_sdk INTERFACE IMPORTED)
  target_include_directories(opstream_sdk INTERFACE ${_opstream_include})
endif()
set(OPSTREAM_MODULE_DIR ${CMAKE_BINARY_DIR})
set(OPSTREAM_NO_UNDEFINED -Wl,-z,defs)
include(${_opstream_cmake}/OpstreamPlugin.cmake)
