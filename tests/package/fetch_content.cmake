# FetchContent: all components, in a host that has an httplib::httplib of its own.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/guest.cmake")

list(GET httplib_include 0 directory)
check_guest("addrbook;addrbook_server;addrbook_gzip;addrbook_tokens;addrbook_tls;addrbook_config;addrbook_sqlite;addrbook_postgresql" -DFETCH=ON
            "-DOWN_HTTPLIB=${directory}" -DADDRBOOK_GZIP=ON -DADDRBOOK_TOKENS=ON -DADDRBOOK_TLS=ON
            -DADDRBOOK_CONFIG=ON -DADDRBOOK_SQLITE=ON -DADDRBOOK_POSTGRESQL=ON)
