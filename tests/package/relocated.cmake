# The package works after it has been moved.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

file(COPY "${staged_prefix}/" DESTINATION "${here}/moved prefix")
list(JOIN components "," all)
configure(stranger build "-DCOMPONENTS=${all}" "-Daddrbook_ROOT=${here}/moved prefix")
expect_match("${output}" "addrbook 0.1.* in ${here}/moved prefix/share/")
build(build)
expect_own_headers_unused(build)
run("${here}/build/host")
