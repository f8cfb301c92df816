# SPDX-License-Identifier: Apache-2.0
#
# opstream_add_plugin(NAME SOURCES file... [LIBS target...] [ID id] [MANIFEST file|NONE]
#                     [OUTPUT_DIRECTORY folder] [FLAGS option...])
#
# Makes the plugin OUTPUT_DIRECTORY/ID/ID.so and plugin.json beside it, by the target plugin-NAME.
#   NAME              names the target; also the id unless ID is given
#   LIBS              system libraries: the plugin sees sdk/include and its own folder, nothing else
#   MANIFEST          default manifest.json; NONE makes a library without a manifest, for tests
#   OUTPUT_DIRECTORY  default build/lib/opstream/plugins; a plugin with another is not installed
#   FLAGS             more compiler options, for tests that need a broken plugin
#
# The manifest travels in the .so as one ELF note in the section .note.opstream.manifest, which is
# loaded with the rest (flag "a"), aligned to 4 bytes, and so also in a PT_NOTE segment:
#
#   namesz 9, descsz 8 + n, type 1        three 32-bit numbers
#   "opstream" and NUL, padded to 12 bytes
#   CRC-64/XZ of the JSON                 8 bytes, little-endian
#   the JSON                              n bytes: UTF-8, one object, no white space between tokens
#
# plugin.json holds the same n bytes. The CRC is defined as OPS_MANIFEST_CRC in every source of the
# plugin, so that its descriptor can repeat it: code and manifest that do not belong together are
# told apart. Sources are compiled with it by a generated header, because the CRC is only known
# when the manifest has been read.
#
# Installing it fails where the folder of plugins, its own in it, or one above can be written to by
# others: the host would refuse the plugin there. Folders that are made for it are as they must be,
# whatever the umask.

# Where it is installed, OpstreamPluginConfig.cmake has made it known.
if(NOT TARGET opstream-manifest-note)
  add_executable(opstream-manifest-note ${CMAKE_CURRENT_LIST_DIR}/manifest_note.c)
  set_target_properties(opstream-manifest-note PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tools)
endif()
set(OPSTREAM_PLUGIN_DIR ${OPSTREAM_MODULE_DIR}/plugins)
if(NOT OPSTREAM_PLUGIN_INSTALL_DIR)
  set(OPSTREAM_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/opstream/plugins)
endif()
set(OPSTREAM_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

function(opstream_add_manifest target manifest sidecar)
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${target})
  get_filename_component(manifest "${manifest}" ABSOLUTE)
  add_custom_command(
    OUTPUT ${made}/note.c ${made}/note.bin ${made}/crc.h ${sidecar}
    COMMAND opstream-manifest-note ${manifest} ${made} ${sidecar}
    DEPENDS ${manifest} opstream-manifest-note
    COMMENT "Reading ${manifest}" VERBATIM)
  target_sources(${target} PRIVATE ${made}/note.c)
  set_source_files_properties(${made}/note.c PROPERTIES OBJECT_DEPENDS ${made}/note.bin)
  if(NOT CMAKE_C_COMPILER)
    set_source_files_properties(${made}/note.c PROPERTIES LANGUAGE CXX) # a project of C++ alone
  endif()
  add_custom_target(${target}-manifest DEPENDS ${made}/crc.h ${sidecar})
  add_dependencies(${target} ${target}-manifest)
  target_compile_options(${target} PRIVATE -include ${made}/crc.h)
endfunction()

function(opstream_check_install_folders plugins id)
  install(CODE "
    set(plugins \"${plugins}\")
    set(own \"\${plugins}/${id}\")")
  install(CODE [[
    if(NOT IS_ABSOLUTE "${plugins}")
      set(plugins "${CMAKE_INSTALL_PREFIX}/${plugins}")
      set(own "${CMAKE_INSTALL_PREFIX}/${own}")
    endif()
    set(plugins "$ENV{DESTDIR}${plugins}")
    set(own "$ENV{DESTDIR}${own}")
    function(refuse_open folder mode)
      execute_process(COMMAND find -L "${folder}" -maxdepth 0 ${mode} OUTPUT_VARIABLE open
        COMMAND_ERROR_IS_FATAL ANY)
      if(open)
        message(FATAL_ERROR "the folder '${folder}' can be written to by others, so opstream would "
          "not load plugins from '${plugins}': use chmod go-w '${folder}'")
      endif()
    endfunction()

    set(missing "")
    set(at "${own}")
    while(NOT IS_DIRECTORY "${at}")
      list(PREPEND missing "${at}")
      get_filename_component(at "${at}" DIRECTORY)
    endwhile()
    foreach(folder IN LISTS missing)
      file(MAKE_DIRECTORY "${folder}")
      file(CHMOD "${folder}" PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
        GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    endforeach()
    refuse_open("${own}" "-perm;/022")
    refuse_open("${plugins}" "-perm;/022")

    # What is above DESTDIR is not above it where it is unpacked; sticky folders are as /tmp.
    get_filename_component(root "$ENV{DESTDIR}/" REALPATH)
    get_filename_component(at "${plugins}" REALPATH)
    while(NOT at STREQUAL root AND NOT at STREQUAL "/")
      refuse_open("${at}" "-perm;/022;!;-perm;-1000")
      get_filename_component(at "${at}" DIRECTORY)
    endwhile()]])
endfunction()

function(opstream_add_plugin name)
  cmake_parse_arguments(arg "" "ID;MANIFEST;OUTPUT_DIRECTORY" "SOURCES;LIBS;FLAGS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES)
    message(FATAL_ERROR "opstream_add_plugin(${name}): give SOURCES; '${arg_UNPARSED_ARGUMENTS}' is not known")
  endif()
  set(id ${name})
  if(arg_ID)
    set(id ${arg_ID})
  endif()
  set(parent ${OPSTREAM_PLUGIN_DIR})
  if(arg_OUTPUT_DIRECTORY)
    set(parent ${arg_OUTPUT_DIRECTORY})
  endif()
  set(folder ${parent}/${id})

  add_library(plugin-${name} MODULE ${arg_SOURCES})
  set_target_properties(plugin-${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${id} LIBRARY_OUTPUT_DIRECTORY ${folder}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  target_include_directories(plugin-${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(plugin-${name} PRIVATE opstream_sdk ${arg_LIBS})
  target_compile_options(plugin-${name} PRIVATE ${arg_FLAGS})
  target_link_options(plugin-${name} PRIVATE -Wl,--exclude-libs,ALL ${OPSTREAM_NO_UNDEFINED}
    $<$<LINK_LANGUAGE:CXX>:-Wl,--version-script=${OPSTREAM_PLUGIN_MAP}>)

  # The host refuses what others than its owner may write to, as an umask of 002 would allow.
  set(above ${parent})
  set(at ${parent})
  string(FIND "${at}" "${CMAKE_BINARY_DIR}/" start)
  while(start EQUAL 0)
    get_filename_component(at ${at} DIRECTORY)
    list(APPEND above ${at})
    string(FIND "${at}" "${CMAKE_BINARY_DIR}/" start)
  endwhile()
  add_custom_command(TARGET plugin-${name} POST_BUILD VERBATIM
    COMMAND chmod go-w ${above} ${folder} $<TARGET_FILE:plugin-${name}>)

  if(NOT arg_MANIFEST)
    set(arg_MANIFEST manifest.json)
  endif()
  if(NOT arg_MANIFEST STREQUAL "NONE")
    opstream_add_manifest(plugin-${name} ${arg_MANIFEST} ${folder}/plugin.json)
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    opstream_check_install_folders("${OPSTREAM_PLUGIN_INSTALL_DIR}" ${id})
    install(TARGETS plugin-${name} LIBRARY DESTINATION ${OPSTREAM_PLUGIN_INSTALL_DIR}/${id})
    install(FILES ${folder}/plugin.json DESTINATION ${OPSTREAM_PLUGIN_INSTALL_DIR}/${id})
  endif()
endfunction()
