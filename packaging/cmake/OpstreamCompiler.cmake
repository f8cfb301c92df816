# SPDX-License-Identifier: Apache-2.0
# Language, warnings, hardening and sanitizers, for every target of the project.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON) # clang-tidy and editors read it
set(THREADS_PREFER_PTHREAD_FLAG ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()
# Not CMake's -DNDEBUG: checks stay on in every build.
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_RELEASE "-O2")
  set(CMAKE_${language}_FLAGS_RELWITHDEBINFO "-O2 -g")
  set(CMAKE_${language}_FLAGS_MINSIZEREL "-Os")
endforeach()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(OPSTREAM_MODULE_DIR ${PROJECT_BINARY_DIR}/lib/opstream)

# ccache, where there is one, makes a build from clean take seconds.
find_program(OPSTREAM_CCACHE ccache)
mark_as_advanced(OPSTREAM_CCACHE)
if(OPSTREAM_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${OPSTREAM_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${OPSTREAM_CCACHE})
endif()

# Language.
add_compile_definitions(_GNU_SOURCE)
add_compile_options(
  -fno-strict-aliasing # the speed it buys is not worth the faults it makes of small mistakes
  -fvisibility=hidden  # a module or plugin exports what it says, nothing else
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=) # the same program from whatever folder it is built in

# Warnings.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wvla)
add_compile_options("$<$<COMPILE_LANGUAGE:C>:-Wconversion;-Wstrict-prototypes;-Wmissing-prototypes>")
if(OPSTREAM_WERROR)
  add_compile_options(-Werror)
endif()

# Hardening. Sanitizers replace it: they see more, and some of it hides faults from them.
include(CheckPIESupported)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # PIE: the program is loaded where nobody can foresee
check_pie_supported()
add_link_options(
  -Wl,-z,relro,-z,now # full RELRO: tables of addresses are read-only once the program has started
  -Wl,-z,noexecstack) # no code on the stack

if(OPSTREAM_SANITIZE STREQUAL "")
  add_compile_options(
    -fstack-protector-strong # a canary before the return address of functions with buffers
    -fstack-clash-protection) # large frames touch each page: they cannot jump over the guard page
  # CET on x86, BTI and PAC on ARM: indirect jumps land only where they may.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i.86|AMD64")
    add_compile_options(-fcf-protection)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
    add_compile_options(-mbranch-protection=standard)
  endif()
  # Locals start as zero, so that a forgotten one leaks nothing. clang 14 wants to hear it twice.
  if(CMAKE_C_COMPILER_ID MATCHES "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 16)
    add_compile_options(-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
  endif()
  add_compile_options(-ftrivial-auto-var-init=zero)
  # Bounds of the C library's copies and formats, checked at run time; it needs the optimiser.
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT OPSTREAM_COVERAGE)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
elseif(OPSTREAM_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(OPSTREAM_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
else()
  message(FATAL_ERROR "OPSTREAM_SANITIZE is '${OPSTREAM_SANITIZE}': use '', 'address' or 'thread'")
endif()

# Symbols that nobody defines fail at link time, not when a user loads the library. Not under
# sanitizers: clang leaves theirs to the program.
if(OPSTREAM_SANITIZE STREQUAL "" AND NOT OPSTREAM_FUZZ)
  set(OPSTREAM_NO_UNDEFINED -Wl,-z,defs)
endif()

if(OPSTREAM_COVERAGE)
  # What has no C library (the property UNCOUNTED) has nothing to count with.
  add_compile_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNCOUNTED>>>:--coverage> -fprofile-update=atomic -O0)
  add_link_options($<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNCOUNTED>>>:--coverage>)
endif()
if(OPSTREAM_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "OPSTREAM_FUZZ needs clang: configure with CC=clang CXX=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
