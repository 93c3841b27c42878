# The package works elsewhere than where it was installed to.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

file(COPY "${staged_prefix}/" DESTINATION "${here}/moved prefix")
configure(stranger build "-Daddrbook_ROOT=${here}/moved prefix")
expect_match("${output}" "addrbook 0.1.* in ${here}/moved prefix/share/")
build(build)
expect_own_headers_unused(build)
run("${here}/build/host")
