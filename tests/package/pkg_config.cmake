# A program without a build system, by pkg-config.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/pkg_config_host.cmake")

run_pkg_config_host("${prefix}")
