# Another project finds the installed package, compiles and runs.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

cmake_path(CONVERT "${prefix};$ENV{CMAKE_PREFIX_PATH}" TO_NATIVE_PATH_LIST path)
set(ENV{CMAKE_PREFIX_PATH} "${path}")
list(JOIN components "," all)
configure(stranger build "-DCOMPONENTS=${all}")
expect_match("${output}" "addrbook 0.1.* in ${prefix}/share/")
build(build)
expect_own_headers_unused(build)
run("${here}/build/host")
