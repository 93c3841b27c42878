# add_subdirectory(): the components without an option, with the packages that the guest finds.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/guest.cmake")

check_guest(OFF)
