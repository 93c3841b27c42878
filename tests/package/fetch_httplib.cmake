# On a machine without cpp-httplib the build fetches its archive, by CMake alone; if it can't, it says
# what to do.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

# An archive as GitHub makes them, of the header that this build uses.
list(GET httplib_include 0 directory)
file(COPY "${directory}/httplib.h" DESTINATION "${here}/cpp-httplib-1.2.3")
file(WRITE "${here}/cpp-httplib-1.2.3/LICENSE" "MIT\n")
file(WRITE "${here}/cpp-httplib-1.2.3/README.md" "\n")
run("${CMAKE_COMMAND}" -E tar czf archive.tar.gz cpp-httplib-1.2.3)
file(SHA256 "${here}/archive.tar.gz" hash)
file(REMOVE_RECURSE "${here}/cpp-httplib-1.2.3")

set(ENV{HOME} "${here}/home")
set(ENV{XDG_CACHE_HOME})
set(ENV{CMAKE_PREFIX_PATH})
set(ENV{httplib_ROOT})
set(prefix_path "")
set(fetched_httplib "")
set(bare -DADDRBOOK_BUILD_TESTS=OFF -DADDRBOOK_BUILD_EXAMPLES=OFF
         -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
if(nlohmann_json_DIR)
  list(APPEND bare "-Dnlohmann_json_DIR=${nlohmann_json_DIR}")
endif()
foreach(component IN LISTS components)
  addrbook_component(${component} row)
  if(row_option)
    list(APPEND bare "-D${row_option}=OFF")
  endif()
endforeach()

# What can't be had, or is not what it should be, ends in one sentence that says what to do. Once the
# reason is gone, the same tree configures.
set(advice "put its httplib.h into /usr/local/include and configure again\\.")
configure(FAILS "${source}" build ${bare} "-DADDRBOOK_HTTPLIB_URL=file://${here}/nothing.tar.gz")
expect_match("${output}" "needs cpp-httplib >= 0.41, and file://[^ ]*/nothing.tar.gz could not be had \\([^)]+\\): ${advice}")
configure(FAILS "${source}" build ${bare} "-DADDRBOOK_HTTPLIB_URL=file://${here}/archive.tar.gz")
expect_match("${output}" "could not be had \\(its SHA-256 is ${hash}, not [0-9a-f]+\\): ${advice}")
file(GLOB left "${here}/build/_deps/*")
expect_equal("${left}" "" "What was refused is still there")

configure("${source}" build "-DADDRBOOK_HTTPLIB_URL=file://${here}/archive.tar.gz"
          "-DADDRBOOK_HTTPLIB_SHA256=${hash}" ${bare})
expect_match("${output}" "-- Fetching cpp-httplib: the machine has no 0.41 or newer")
file(REMOVE "${here}/archive.tar.gz") # once is enough
configure("${source}" build)
run("${CMAKE_COMMAND}" --install "${here}/build" --prefix "${here}/prefix")
foreach(file IN ITEMS include/httplib.h share/doc/addrbook/LICENSE.cpp-httplib)
  if(NOT EXISTS "${here}/prefix/${file}")
    message(FATAL_ERROR "Not installed: ${file}")
  endif()
endforeach()
