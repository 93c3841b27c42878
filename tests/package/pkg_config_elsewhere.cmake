# pkg-config where cpp-httplib is at a place that no compiler looks at by itself, as it is after
# cmake/install-deps.sh without root; and the package has been moved.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/pkg_config_host.cmake")

# Another one may be where compilers look: this one can be told from it.
list(GET httplib_include 0 directory)
file(COPY "${directory}/httplib.h" DESTINATION "${here}/my cache/addrbook/include")
file(APPEND "${here}/my cache/addrbook/include/httplib.h" "\n#define OWN_HTTPLIB\n")
set(ENV{XDG_CACHE_HOME} "${here}/my cache")
set(ENV{httplib_ROOT})
set(ENV{CMAKE_PREFIX_PATH})
set(prefix_path "")

set(json "")
if(nlohmann_json_DIR)
  set(json "-Dnlohmann_json_DIR=${nlohmann_json_DIR}")
endif()
configure("${source}" build -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF ${json}
          -DADDRBOOK_BUILD_TESTS=OFF -DADDRBOOK_BUILD_EXAMPLES=OFF -DADDRBOOK_GZIP=OFF
          -DADDRBOOK_TOKENS=OFF -DADDRBOOK_TLS=OFF
          -DADDRBOOK_CONFIG=OFF -DADDRBOOK_SQLITE=OFF -DADDRBOOK_POSTGRESQL=OFF)
run("${CMAKE_COMMAND}" --install "${here}/build" --prefix "${here}/prefix")
file(RENAME "${here}/prefix" "${here}/moved prefix")
run_pkg_config_host("${here}/moved prefix" -DEXPECT_OWN_HTTPLIB)
