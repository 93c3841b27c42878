# run_pkg_config_host(PREFIX FLAGS...): compiles and runs a program with what pkg-config says of the
# package in PREFIX.
function(run_pkg_config_host prefix)
  cmake_path(CONVERT "${prefix}/share/pkgconfig;$ENV{PKG_CONFIG_PATH}" TO_NATIVE_PATH_LIST path)
  set(ENV{PKG_CONFIG_PATH} "${path}") # for the caller too
  run("${pkg_config}" --modversion addrbook)
  expect_match("${output}" "^0\\.1\\.")
  run("${pkg_config}" --cflags --libs addrbook)
  string(FIND "${output}" "${source}/include" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "The source tree's headers are used: ${output}")
  endif()
  separate_arguments(flags UNIX_COMMAND "${output}")
  run(${launcher} "${compiler}" -std=c++17 ${ARGN} -c "${CMAKE_CURRENT_LIST_DIR}/guest/host.cpp" -o
      host.o ${flags})
  run("${compiler}" host.o -o host ${flags})
  run("${here}/host")
endfunction()
