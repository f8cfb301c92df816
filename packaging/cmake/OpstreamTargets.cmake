# SPDX-License-Identifier: Apache-2.0
# One function per kind of target, so that a folder's CMakeLists.txt only names its sources.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

# opstream_core_library(NAME SOURCES file... [LIBS target...] [PRIVATE_LIBS target...])
# The static library opstream_NAME of the folder core/NAME. LIBS: the folders above it.
function(opstream_core_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(opstream_${name} STATIC ${arg_SOURCES})
  target_include_directories(opstream_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(opstream_${name} PUBLIC ${arg_LIBS} PRIVATE ${arg_PRIVATE_LIBS})
endfunction()

# opstream_module(NAME [NO_INSTALL] SOURCES file... LIBS target...)
# A private module opstream-NAME.so in build/lib/opstream: see core/base/module.h. What it links
# stays inside it. NO_INSTALL: for tests.
function(opstream_module name)
  cmake_parse_arguments(arg "NO_INSTALL" "" "SOURCES;LIBS" ${ARGN})
  add_library(opstream-${name} MODULE ${arg_SOURCES})
  target_include_directories(opstream-${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(opstream-${name} PRIVATE ${arg_LIBS})
  target_link_options(opstream-${name} PRIVATE
    -Wl,--exclude-libs,ALL # the core's libraries are linked in statically, and not shown
    -Wl,-z,nodelete ${OPSTREAM_NO_UNDEFINED})
  set_target_properties(opstream-${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${OPSTREAM_MODULE_DIR})
  if(NOT arg_NO_INSTALL)
    install(TARGETS opstream-${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/opstream)
  endif()
endfunction()

# opstream_unit_test(NAME SOURCES file... LIBS target... [WRAP_MALLOC])
# The cmocka program NAME, run by ctest under the same name. WRAP_MALLOC: allocations can be made
# to fail, see tests/support/failing_alloc.h.
function(opstream_unit_test name)
  cmake_parse_arguments(arg "WRAP_MALLOC" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/test_filter.c)
  target_link_libraries(${name} PRIVATE ${arg_LIBS} opstream_test_support PkgConfig::CMOCKA)
  if(arg_WRAP_MALLOC)
    target_link_options(${name} PRIVATE -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray)
    if(OPSTREAM_COVERAGE) # what counts allocates, too
      target_link_options(${name} PRIVATE -Wl,--undefined=__wrap_malloc)
    endif()
    target_compile_definitions(${name} PRIVATE OPSTREAM_WRAP_MALLOC)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
  add_test(NAME ${name} COMMAND ${name})
  # A failed allocation is something that tests ask for, also under a sanitizer.
  set_tests_properties(${name} PROPERTIES TIMEOUT 120 ENVIRONMENT
    "ASAN_OPTIONS=allocator_may_return_null=1;TSAN_OPTIONS=allocator_may_return_null=1")
endfunction()
