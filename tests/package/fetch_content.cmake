# FetchContent: all components, in a host that has an httplib::httplib of its own.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/guest.cmake")

list(GET httplib_include 0 directory)
check_guest(ON -DFETCH=ON "-DOWN_HTTPLIB=${directory}")
