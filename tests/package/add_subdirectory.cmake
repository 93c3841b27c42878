# add_subdirectory(): the core, with what the guest itself finds.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/guest.cmake")

check_guest("addrbook;addrbook_server")
