# A program whose compiler finds a cpp-httplib that is too old: the first error says so. For builds
# without our CMake package, which refuses it earlier.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

# compile([FAILS] VERSION HEADER): a program that includes HEADER, with an httplib.h that says it is
# VERSION and has nothing else.
function(compile)
  set(fails "")
  if("${ARGV0}" STREQUAL "FAILS")
    set(fails FAILS)
    list(POP_FRONT ARGV)
  endif()
  list(POP_FRONT ARGV version header)
  file(WRITE "${here}/old/httplib.h" "#pragma once\n#define CPPHTTPLIB_VERSION \"${version}\"\n")
  file(WRITE "${here}/host.cpp" "#include <addrbook/${header}>\n")
  set(ENV{LC_ALL} C)
  run(${fails} "${compiler}" -std=c++17 -fsyntax-only -fmax-errors=1 "-I${here}/old" "-I${source}/include" host.cpp)
  set(output "${output}" PARENT_SCOPE)
endfunction()

foreach(version IN ITEMS 0.40.9 0.11.4 0.4 0 "")
  compile(FAILS "${version}" httplib/httplib.hpp)
  expect_match("${output}" "addrbook needs cpp-httplib 0.41 or newer; this httplib.h is ${version}")
endforeach()
foreach(version IN ITEMS 0.41.0 0.41 0.53.1 0.100.0 1.0.0 10.2)
  compile("${version}" httplib/httplib.hpp)
endforeach()

# Whatever header a program includes, that is the first error.
foreach(header IN ITEMS addrbook server serve)
  compile(FAILS 0.11.4 ${header}.hpp)
  expect_match("${output}" "^[^!]*httplib/httplib.hpp:[0-9:]+ error: static.assert[^:]*failed")
  expect_match("${output}" "addrbook needs cpp-httplib 0.41 or newer; this httplib.h is 0.11.4")
endforeach()
