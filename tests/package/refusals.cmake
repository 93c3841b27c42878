# What find_package() refuses, and whether it says why.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/seek.cmake")

# Versions.
set(core "has addrbook::addrbook -- FOUND 1 ")
seek("-- ${core}" "0.1,REQUIRED")
seek("-- ${core}" "0.1.0,EXACT,REQUIRED")
foreach(version IN ITEMS 0.2 1.0 0.0 0.1.999)
  seek(FAILS "compatible with requested version \"${version}\".*addrbookConfig.cmake, version: 0.1"
       "${version},REQUIRED")
  seek("-- FOUND 0 " "${version},QUIET")
endforeach()

# Components.
list(JOIN components ", " all)
seek(FAILS "no component 'mysql' is installed. there are: ${all}" "0.1,REQUIRED,COMPONENTS,mysql")
seek("-- ${core}" "0.1,REQUIRED,OPTIONAL_COMPONENTS,mysql")
seen(reports ${components})
list(JOIN components "," all)
seek("-- ${reports} -- FOUND 1 " "0.1,REQUIRED,COMPONENTS,${all}")
seen(reports core server)
seek("-- ${reports} -- FOUND 1 " "0.1,REQUIRED,COMPONENTS,server")
# With what it links.
seen(reports core text sqlite)
seek("-- ${reports} -- FOUND 1 " "0.1,REQUIRED,COMPONENTS,sqlite")

# A component whose package is missing fails alone, with the hint of the table.
set(without -DOWN_JSON=ON -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
foreach(row IN LISTS ADDRBOOK_PACKAGES)
  string(REGEX REPLACE " *\\|.*" "" name "${row}")
  addrbook_package(${name} package)
  if(package_package AND NOT name MATCHES "^(threads|nlohmann_json|soci_.*)$")
    list(APPEND without "-DCMAKE_DISABLE_FIND_PACKAGE_${package_package}=ON")
  endif()
endforeach()
foreach(component IN LISTS components)
  addrbook_component(${component} row)
  if(row_option)
    list(GET row_needs 0 need)
    addrbook_package(${need} package)
    quoted("its component '${component}' needs ${package_hint}" regex)
    seek(FAILS "${regex}" "0.1,REQUIRED,COMPONENTS,${component}" ${without})
  endif()
endforeach()
seek("-- FOUND 0 " "0.1,COMPONENTS,config,QUIET" ${without})
seek("-- ${core}" "0.1,REQUIRED,COMPONENTS,core" ${without})
seek("-- ${core}" "0.1,REQUIRED,COMPONENTS,core,OPTIONAL_COMPONENTS,config" ${without})

# A package that the core lacks is named as well.
seek(FAILS "its component 'core' needs nlohmann-json >= 3.11 \\(Debian: nlohmann-json3-dev"
     "0.1,REQUIRED" -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON
     -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)

# A machine with a cpp-httplib that is too old, or with none.
set(ENV{HOME} "${here}/home")
set(ENV{XDG_CACHE_HOME})
set(ENV{CMAKE_PREFIX_PATH})
set(prefix_path "")
file(WRITE "${here}/old/include/httplib.h" "#define CPPHTTPLIB_VERSION \"0.11.4\"\n")
# Declarations only: the rest is in a library without a package.
file(WRITE "${here}/split/include/httplib.h" "#define CPPHTTPLIB_VERSION \"0.41.0\"\n")
file(WRITE "${here}/good/include/httplib.h"
     "#define CPPHTTPLIB_VERSION \"0.100.0\"\ninline Server::Server() = default;\n")
set(bare -DOWN_JSON=ON -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF
         -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
set(needs "its component 'core' needs cpp-httplib >= 0.41 \\(found")
if(NOT fetched_httplib) # otherwise it is installed with the package
  seek(FAILS "${needs} only 0.11.4 in ${here}/old/include. distributions" "0.1,REQUIRED" ${bare}
       "-DCMAKE_PREFIX_PATH=${here}/old")
  seek(FAILS "${needs} none. " "0.1,REQUIRED" ${bare})
  seek(FAILS "${needs} none. " "0.1,REQUIRED" ${bare} "-DCMAKE_PREFIX_PATH=${here}/split")
  seek(FAILS "${needs} only 0.11.4 as the target httplib::httplib" "0.1,REQUIRED" ${bare}
       "-DOWN_HTTPLIB=${here}/old/include")
endif()
cmake_path(CONVERT "${here}/old;${here}/split;${here}/good" TO_NATIVE_PATH_LIST path)
set(ENV{CMAKE_PREFIX_PATH} "${path}")
seek("httplib::httplib in ${here}/good/include" "0.1,REQUIRED" ${bare})
set(ENV{CMAKE_PREFIX_PATH})
# As cmake/install-deps.sh leaves it, with and without XDG_CACHE_HOME. The package searches there
# only if its build found it there.
file(COPY "${here}/good/include" DESTINATION "${here}/home/.cache/addrbook")
file(COPY "${here}/good/include" DESTINATION "${here}/xdg/addrbook")
if(httplib_is_cached)
  seek("httplib::httplib in ${here}/home/.cache/addrbook/include" "0.1,REQUIRED" ${bare}
       "-DCMAKE_PREFIX_PATH=${here}/old")
  set(ENV{XDG_CACHE_HOME} "${here}/xdg")
  seek("httplib::httplib in ${here}/xdg/addrbook/include" "0.1,REQUIRED" ${bare})
elseif(NOT fetched_httplib)
  set(ENV{XDG_CACHE_HOME} "${here}/xdg")
  seek(FAILS "${needs} none. " "0.1,REQUIRED" ${bare})
endif()
