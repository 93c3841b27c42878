# For the other scripts here. Each is a test, which fails by a FATAL_ERROR, and begins in an empty
# directory of its own, ${here}.

cmake_minimum_required(VERSION 3.24)
include("${settings}")
include("${source}/cmake/AddrbookComponents.cmake")
set(prefix "${work}/install/prefix") # made by install.cmake
# Installed with DESTDIR; the place that it was installed for does not exist.
set(staged_prefix "${work}/install/stage/addrbook-nowhere")
set(ENV{DESTDIR})
# The environment of the caller may name an addrbook.
set(ENV{addrbook_ROOT})
set(ENV{addrbook_DIR})

cmake_path(GET CMAKE_SCRIPT_MODE_FILE STEM here)
set(here "${work}/${here}")
file(REMOVE_RECURSE "${here}")
file(MAKE_DIRECTORY "${here}")

# Runs a command that must succeed, or with FAILS must not; what it printed is in ${output}.
# Empty arguments are left out.
function(run)
  set(fails FALSE)
  if("${ARGV0}" STREQUAL "FAILS")
    set(fails TRUE)
    list(POP_FRONT ARGV)
  endif()
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output WORKING_DIRECTORY "${here}" TIMEOUT 200)
  if((fails AND result EQUAL 0) OR (NOT fails AND NOT result EQUAL 0))
    list(JOIN ARGV " " command)
    message("${command}\n${output}") # as it is: FATAL_ERROR would reflow it
    message(FATAL_ERROR "That ended with '${result}'")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

# configure([FAILS] PROJECT DIRECTORY CACHE_ENTRIES...): a project, in the build tree
# ${here}/DIRECTORY. It is copied first, so that it is not inside of our source tree.
function(configure)
  set(fails "")
  if("${ARGV0}" STREQUAL "FAILS")
    set(fails FAILS)
    list(POP_FRONT ARGV)
  endif()
  list(POP_FRONT ARGV project directory)
  if(NOT IS_ABSOLUTE "${project}")
    file(COPY "${CMAKE_CURRENT_LIST_DIR}/${project}" DESTINATION "${here}")
    set(project "${here}/${project}")
  endif()
  file(
    WRITE "${here}/settings.cmake"
    "set(CMAKE_CXX_COMPILER \"${compiler}\" CACHE FILEPATH \"\")
set(CMAKE_CXX_COMPILER_LAUNCHER \"${launcher}\" CACHE STRING \"\")
set(CMAKE_MAKE_PROGRAM \"${make_program}\" CACHE FILEPATH \"\")
set(CMAKE_PREFIX_PATH \"${prefix_path}\" CACHE STRING \"\")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON CACHE BOOL \"\")
")
  if(fetched_httplib) # once is enough, and there may be no network
    file(APPEND "${here}/settings.cmake"
         "set(ADDRBOOK_HTTPLIB_URL \"file://${fetched_httplib}/../addrbook_httplib.tar.gz\")\n")
  endif()
  run(${fails} "${CMAKE_COMMAND}" -S "${project}" -B "${here}/${directory}" -G "${generator}"
      -C "${here}/settings.cmake" ${ARGV})
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(build directory)
  run("${CMAKE_COMMAND}" --build "${here}/${directory}")
endfunction()

# The text must match; CMake wraps its messages, so white space is one space.
function(expect_match text regex)
  string(REGEX REPLACE "[ \n]+" " " line "${text}")
  if(NOT line MATCHES "${regex}")
    message("${text}")
    message(FATAL_ERROR "That lacks '${regex}'")
  endif()
endfunction()

function(expect_equal actual expected what)
  if(NOT "${actual}" STREQUAL "${expected}")
    message(FATAL_ERROR "${what}\n  expected: ${expected}\n  is:       ${actual}")
  endif()
endfunction()

# The files below a directory.
function(list_files directory result)
  file(GLOB_RECURSE files RELATIVE "${directory}" "${directory}/*")
  list(SORT files)
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# No command that compiles in ${here}/DIRECTORY may look into our source tree.
function(expect_own_headers_unused directory)
  file(READ "${here}/${directory}/compile_commands.json" commands)
  string(FIND "${commands}" "${source}/include" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "The source tree's headers are used:\n${commands}")
  endif()
endfunction()
