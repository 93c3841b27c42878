# What find_package() refuses, and whether it says why.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

# seek([FAILS] REGEX ARGUMENTS CACHE_ENTRIES...): find_package(addrbook ARGUMENTS), commas between
# them; the output must match, a regular expression without a semicolon.
function(seek)
  set(fails "")
  if("${ARGV0}" STREQUAL "FAILS")
    set(fails FAILS)
    list(POP_FRONT ARGV)
  endif()
  list(POP_FRONT ARGV regex wanted)
  # The compiler is looked at once, the packages each time.
  file(REMOVE "${here}/build/CMakeCache.txt")
  configure(${fails} seeker build "-Daddrbook_ROOT=${prefix}" "-DWANTED=${wanted}" ${ARGV})
  expect_match("${output}" "${regex}")
endfunction()

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
seek(FAILS "no component 'mysql' is installed. there are: core, server, gzip, tokens, tls, config, sqlite, postgresql"
     "0.1,REQUIRED,COMPONENTS,mysql")
seek("-- ${core}" "0.1,REQUIRED,OPTIONAL_COMPONENTS,mysql")
seek("addrbook::config -- has addrbook::gzip -- has addrbook::postgresql -- has addrbook::server -- has addrbook::sqlite -- has addrbook::tls -- has addrbook::tokens -- FOUND 1 "
     "0.1,REQUIRED,COMPONENTS,core,config,gzip,postgresql,server,sqlite,tls,tokens")
seek("addrbook::addrbook -- has addrbook::server -- FOUND 1 " "0.1,REQUIRED,COMPONENTS,server")

# A component whose dependency is missing fails alone.
set(without -DOWN_JSON=ON -DCMAKE_DISABLE_FIND_PACKAGE_yaml-cpp=ON
            -DCMAKE_DISABLE_FIND_PACKAGE_ZLIB=ON -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON
            -DCMAKE_DISABLE_FIND_PACKAGE_SQLite3=ON -DCMAKE_DISABLE_FIND_PACKAGE_PostgreSQL=ON
            -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
seek(FAILS "its component 'config' needs yaml-cpp >= 0.7 \\(Debian: libyaml-cpp-dev"
     "0.1,REQUIRED,COMPONENTS,config" ${without})
seek(FAILS "its component 'gzip' needs zlib \\(Debian: zlib1g-dev" "0.1,REQUIRED,COMPONENTS,gzip"
     ${without})
seek(FAILS "its component 'tokens' needs OpenSSL >= 1.1.1 \\(Debian: libssl-dev"
     "0.1,REQUIRED,COMPONENTS,tokens" ${without})
seek(FAILS "its component 'tls' needs OpenSSL >= 3.0 \\(Debian: libssl-dev"
     "0.1,REQUIRED,COMPONENTS,tls" ${without})
seek(FAILS "its component 'sqlite' needs SQLite >= 3.35 \\(Debian: libsqlite3-dev"
     "0.1,REQUIRED,COMPONENTS,sqlite" ${without})
seek(FAILS "its component 'postgresql' needs libpq >= 14 \\(Debian: libpq-dev"
     "0.1,REQUIRED,COMPONENTS,postgresql" ${without})
seek("-- FOUND 0 " "0.1,COMPONENTS,config,QUIET" ${without})
seek("-- ${core}" "0.1,REQUIRED,COMPONENTS,core" ${without})
seek("-- ${core}" "0.1,REQUIRED,COMPONENTS,core,OPTIONAL_COMPONENTS,config" ${without})

# What the core misses is named as well.
seek(FAILS "its component 'core' needs nlohmann-json >= 3.11 \\(Debian: nlohmann-json3-dev"
     "0.1,REQUIRED" -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON
     -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)

# A machine with nothing but a cpp-httplib that is too old, or none. Nobody's home is looked at.
set(ENV{HOME} "${here}/home")
set(ENV{XDG_CACHE_HOME})
set(ENV{CMAKE_PREFIX_PATH})
set(prefix_path "")
file(WRITE "${here}/old/include/httplib.h" "#define CPPHTTPLIB_VERSION \"0.11.4\"\n")
# Good, had it not been cut in two: its other half is in a library that nobody knows of.
file(WRITE "${here}/split/include/httplib.h" "#define CPPHTTPLIB_VERSION \"0.41.0\"\n")
file(WRITE "${here}/good/include/httplib.h"
     "#define CPPHTTPLIB_VERSION \"0.100.0\"\ninline Server::Server() = default;\n")
set(bare -DOWN_JSON=ON -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF
         -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
set(needs "its component 'core' needs cpp-httplib >= 0.41 \\(found")
if(NOT fetched_httplib) # else the package brings one
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
# As cmake/install-deps.sh leaves it, with and without XDG_CACHE_HOME.
file(COPY "${here}/good/include" DESTINATION "${here}/home/.cache/addrbook")
file(COPY "${here}/good/include" DESTINATION "${here}/xdg/addrbook")
if(NOT fetched_httplib)
  seek("httplib::httplib in ${here}/home/.cache/addrbook/include" "0.1,REQUIRED" ${bare}
       "-DCMAKE_PREFIX_PATH=${here}/old")
  set(ENV{XDG_CACHE_HOME} "${here}/xdg")
  seek("httplib::httplib in ${here}/xdg/addrbook/include" "0.1,REQUIRED" ${bare})
endif()
