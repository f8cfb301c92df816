# SPDX-License-Identifier: Apache-2.0
#
# Whether find_package(OpstreamPlugin VERSION) may take this: the same major version, and none that
# is older. The version stands in abi.h and nowhere else.

set(_opstream_header ${CMAKE_CURRENT_LIST_DIR}/include/opstream/abi.h)
foreach(_opstream_up ../../../include ../../../../include) # from where it is installed
  if(NOT EXISTS ${_opstream_header})
    set(_opstream_header ${CMAKE_CURRENT_LIST_DIR}/${_opstream_up}/opstream/abi.h)
  endif()
endforeach()
file(STRINGS ${_opstream_header} _opstream_line REGEX "^#define OPS_SDK_VERSION ")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" PACKAGE_VERSION "${_opstream_line}")
string(REGEX MATCH "^[0-9]+" _opstream_major "${PACKAGE_VERSION}")

if("${PACKAGE_FIND_VERSION}" STREQUAL "" OR (PACKAGE_VERSION VERSION_GREATER_EQUAL PACKAGE_FIND_VERSION
                                             AND _opstream_major EQUAL PACKAGE_FIND_VERSION_MAJOR))
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_VERSION VERSION_EQUAL "${PACKAGE_FIND_VERSION}")
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
