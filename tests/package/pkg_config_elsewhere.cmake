# cpp-httplib is in the cache of the user who builds the package, as cmake/install-deps.sh without
# root leaves it, where compilers do not search; and the package has been moved.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/pkg_config_host.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/seek.cmake")

# The definition tells it from another one that compilers may find.
list(GET httplib_include 0 directory)
file(COPY "${directory}/httplib.h" DESTINATION "${here}/my cache/addrbook/include")
file(APPEND "${here}/my cache/addrbook/include/httplib.h" "\n#define OWN_HTTPLIB\n")
set(ENV{XDG_CACHE_HOME} "${here}/my cache")
set(ENV{httplib_ROOT})
set(ENV{CMAKE_PREFIX_PATH})
set(prefix_path "")

set(without_options "")
foreach(component IN LISTS components)
  addrbook_component(${component} row)
  if(row_option)
    list(APPEND without_options "-D${row_option}=OFF")
  endif()
endforeach()
set(json "")
if(nlohmann_json_DIR)
  set(json "-Dnlohmann_json_DIR=${nlohmann_json_DIR}")
endif()
configure("${source}" build -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF ${json}
          -DADDRBOOK_BUILD_TESTS=OFF -DADDRBOOK_BUILD_EXAMPLES=OFF ${without_options})
run("${CMAKE_COMMAND}" --install "${here}/build" --prefix "${here}/prefix")
file(RENAME "${here}/prefix" "${here}/moved prefix")
run_pkg_config_host("${here}/moved prefix" -DEXPECT_OWN_HTTPLIB)

# Because this build found it there, a search for the package looks into the cache of its user.
if(NOT fetched_httplib)
  set(prefix "${here}/moved prefix")
  seek("httplib::httplib in ${here}/my cache/addrbook/include" "0.1,REQUIRED" -DOWN_JSON=ON
       -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
endif()
