# check_guest(TARGETS CACHE_ENTRIES...): addrbook in another's build, of which it changes nothing;
# TARGETS are those it may define there.
function(check_guest targets)
  configure(guest build "-DGUEST=${source}" ${ARGN})
  string(REGEX MATCH "-- A guest comes\n(.*)-- The guest is in\n" ignored "${output}")
  # Said when the machine has no cpp-httplib: it takes a while.
  string(REGEX REPLACE "-- Fetching cpp-httplib[^\n]*\n" "" said "${CMAKE_MATCH_1}")
  expect_equal("${said}" "" "The guest is not quiet")
  expect_match("${output}" "-- The guest is in ")
  expect_match("${output}" "-- Guest's targets and tests: ${targets} --")

  build(build)
  run("${here}/build/host")
  expect_match("${output}" "^served by 0\\.")

  cmake_path(GET CMAKE_COMMAND PARENT_PATH bin)
  run("${bin}/ctest" --test-dir "${here}/build" -N)
  expect_match("${output}" "Test #1: household_test Total Tests: 1 ")
  run("${CMAKE_COMMAND}" --install "${here}/build" --prefix "${here}/prefix")
  list_files("${here}/prefix" files)
  expect_equal("${files}" "src/host.cpp" "What is installed is not the host's alone")
endfunction()
