# A program without a build system, by pkg-config.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/pkg_config_host.cmake")

run_pkg_config_host("${prefix}")

# With TLS, as examples/README.md shows it; without the definition a program is told of it.
run("${pkg_config}" --cflags --libs addrbook openssl)
separate_arguments(flags UNIX_COMMAND "${output}")
set(secure -std=c++17 "${CMAKE_CURRENT_LIST_DIR}/secure/secure.cpp" -o secure ${flags})
run("${compiler}" -DCPPHTTPLIB_OPENSSL_SUPPORT ${secure})
run("${here}/secure")
run(FAILS "${compiler}" -fmax-errors=1 ${secure})
expect_match("${output}" "error: .*needs CPPHTTPLIB_OPENSSL_SUPPORT, defined for the whole program")
