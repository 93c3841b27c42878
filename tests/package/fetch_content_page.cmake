# FetchContent as examples/README.md shows it.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

file(MAKE_DIRECTORY "${here}/fetcher/third_party")
file(CREATE_LINK "${source}" "${here}/fetcher/third_party/addrbook" SYMBOLIC)
configure(fetcher build)
build(build)
run("${here}/build/host")
