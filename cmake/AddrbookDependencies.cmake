# Finds what addrbook needs. The build uses this and so does the installed package config, so that
# both search for the same packages.
#
# addrbook_dependencies(COMPONENT [QUIET]) defines the imported targets that a component links. On
# failure: an error that names the package, or with QUIET the reason in addrbook_missing.
#
# It consists of functions, and its targets are not GLOBAL: a build that has addrbook as a guest
# keeps its variables, and can still define targets of these names.

# The release of cpp-httplib that the build fetches if the machine has no recent enough one. Both may
# be set to those of another place, or of another release.
if(NOT ADDRBOOK_HTTPLIB_URL)
  set(ADDRBOOK_HTTPLIB_URL https://github.com/yhirose/cpp-httplib/archive/refs/tags/v0.53.1.tar.gz)
endif()
if(NOT ADDRBOOK_HTTPLIB_SHA256)
  set(ADDRBOOK_HTTPLIB_SHA256 185af9587e270de9a3bfee234c6740f02e82265da33c7a41f97e02ee42f979d2)
endif()

# The version that a cpp-httplib header states, "" if there is none.
function(addrbook_httplib_version header result)
  set(version "")
  if(EXISTS "${header}")
    file(STRINGS "${header}" line REGEX "define CPPHTTPLIB_VERSION \"" LIMIT_COUNT 1)
    string(REGEX MATCH "[0-9]+\\.[0-9]+(\\.[0-9]+)?" version "${line}")
  endif()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

# httplib::httplib from a directory with the header.
function(addrbook_header_httplib directory)
  add_library(httplib::httplib INTERFACE IMPORTED)
  target_include_directories(httplib::httplib INTERFACE "${directory}")
  target_compile_features(httplib::httplib INTERFACE cxx_std_11)
  target_link_libraries(httplib::httplib INTERFACE Threads::Threads)
endfunction()

# A target from a pkg-config module, if there is one.
function(addrbook_pkg_config target module minimum)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(addrbook_${module} QUIET IMPORTED_TARGET "${module}>=${minimum}")
    if(TARGET PkgConfig::addrbook_${module})
      # Not an alias: the installed package would name the aliased target, which exists only here.
      add_library(${target} INTERFACE IMPORTED)
      target_link_libraries(${target} INTERFACE PkgConfig::addrbook_${module})
    endif()
  endif()
endfunction()

# Where cmake/install-deps.sh puts headers for a user who is not root.
function(addrbook_cached_prefixes result)
  set(prefixes "")
  if(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
    list(APPEND prefixes "$ENV{XDG_CACHE_HOME}/addrbook")
  endif()
  list(APPEND prefixes "$ENV{HOME}/.cache/addrbook")
  set(${result} "${prefixes}" PARENT_SCOPE)
endfunction()

# httplib::httplib. Its package config accepts only its own minor version, not "0.41 or newer", and
# a directory that is searched earlier may hold an older one. So this reads the version in each
# header first, and takes the package from where a recent enough one is.
function(addrbook_find_httplib)
  addrbook_package(httplib row)
  set(too_old "")
  if(TARGET httplib::httplib)
    get_target_property(directories httplib::httplib INTERFACE_INCLUDE_DIRECTORIES)
    foreach(directory IN LISTS directories)
      string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" directory "${directory}")
      addrbook_httplib_version("${directory}/httplib.h" version)
      if(version AND version VERSION_LESS row_version)
        list(APPEND too_old "${version} as the target httplib::httplib, in ${directory}")
      endif()
    endforeach()
    if(NOT too_old)
      set(addrbook_missing "" PARENT_SCOPE)
      return()
    endif()
  else()
    set(prefixes "")
    foreach(variable IN ITEMS httplib_ROOT CMAKE_PREFIX_PATH)
      file(TO_CMAKE_PATH "$ENV{${variable}}" path)
      list(APPEND prefixes ${${variable}} ${path})
    endforeach()
    list(APPEND prefixes ${_addrbook_prefix}) # the installed package's own
    if(NOT DEFINED CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OR CMAKE_FIND_USE_CMAKE_SYSTEM_PATH)
      list(APPEND prefixes /usr/local)
    endif()
    # An installed package looks there only if its build found it there.
    set(cached "")
    if(NOT DEFINED _addrbook_prefix OR _addrbook_httplib_is_cached)
      addrbook_cached_prefixes(cached)
    endif()
    list(APPEND prefixes ${cached})
    if(NOT DEFINED CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OR CMAKE_FIND_USE_CMAKE_SYSTEM_PATH)
      list(APPEND prefixes ${CMAKE_SYSTEM_PREFIX_PATH})
    endif()
    if(DEFINED _addrbook_prefix)
      list(APPEND prefixes ${_addrbook_prefix}/share/addrbook/third_party) # of the Debian package
    endif()
    list(REMOVE_DUPLICATES prefixes)

    foreach(prefix IN LISTS prefixes)
      set(header "${prefix}/include/httplib.h")
      addrbook_httplib_version("${header}" version)
      if(NOT version)
        continue()
      elseif(version VERSION_LESS row_version)
        list(APPEND too_old "${version} in ${prefix}/include")
        continue()
      endif()
      # Under a name of our own, so that the httplib_DIR of a host that looks for httplib itself stays
      # as it is.
      set(httplib_FIND_QUIETLY TRUE)
      unset(httplib_FOUND)
      unset(addrbook_httplib_DIR CACHE)
      find_package(addrbook_httplib CONFIG QUIET NAMES httplib PATHS "${prefix}" NO_DEFAULT_PATH)
      unset(addrbook_httplib_DIR CACHE)
      if(NOT TARGET httplib::httplib)
        # The header alone is enough, unless it is of a distribution that compiles the library: that
        # has declarations only and works only with its package.
        file(STRINGS "${header}" whole REGEX "^inline Server::Server\\(\\)" LIMIT_COUNT 1)
        if(whole)
          addrbook_header_httplib("${prefix}/include")
        endif()
      endif()
      if(TARGET httplib::httplib)
        if(prefix IN_LIST cached)
          set(addrbook_httplib_is_cached TRUE PARENT_SCOPE)
        endif()
        break()
      endif()
    endforeach()
    if(NOT TARGET httplib::httplib)
      addrbook_pkg_config(httplib::httplib cpp-httplib ${row_version})
    endif()
    if(TARGET httplib::httplib)
      set(addrbook_missing "" PARENT_SCOPE)
      return()
    endif()
  endif()

  set(found "found none")
  if(too_old)
    list(JOIN too_old ", " found)
    string(PREPEND found "found only ")
  endif()
  set(addrbook_missing
      "${row_hint} (${found}; distributions often have an older one. \
On Debian cmake/install-deps.sh of addrbook's source gets the header)"
      PARENT_SCOPE)
endfunction()

# The header of the pinned release. Its own CMake project is not used: it would bring options,
# searches and an install into the host's build.
function(addrbook_fetch_httplib)
  addrbook_package(httplib row)
  set(base "${CMAKE_BINARY_DIR}/_deps/addrbook_httplib")
  if(NOT EXISTS "${base}-src/httplib.h")
    message(STATUS "Fetching cpp-httplib: the machine has no ${row_version} or newer")
    # The hash says whether it is the right one. A bare machine has no certificates to ask.
    file(DOWNLOAD "${ADDRBOOK_HTTPLIB_URL}" "${base}.tar.gz" STATUS status TLS_VERIFY OFF
         INACTIVITY_TIMEOUT 30)
    list(POP_FRONT status failed reason)
    if(NOT failed)
      file(SHA256 "${base}.tar.gz" hash)
      if(NOT hash STREQUAL ADDRBOOK_HTTPLIB_SHA256)
        set(failed TRUE)
        set(reason "its SHA-256 is ${hash}, not ${ADDRBOOK_HTTPLIB_SHA256}")
      endif()
    endif()
    if(failed)
      file(REMOVE "${base}.tar.gz")
      message(FATAL_ERROR "addrbook needs ${row_hint}, and ${ADDRBOOK_HTTPLIB_URL} could not be had "
                          "(${reason}): put its httplib.h into /usr/local/include and configure again.")
    endif()
    file(REMOVE_RECURSE "${base}-src" "${base}-tmp")
    file(ARCHIVE_EXTRACT INPUT "${base}.tar.gz" DESTINATION "${base}-tmp"
         PATTERNS "*/httplib.h" "*/LICENSE")
    file(GLOB folder "${base}-tmp/*")
    file(RENAME "${folder}" "${base}-src")
    file(REMOVE_RECURSE "${base}-tmp")
  endif()
  addrbook_header_httplib("${base}-src")
  # For the install: other machines do not have this directory.
  set(addrbook_fetched_httplib "${base}-src" PARENT_SCOPE)
endfunction()

# A target from a package config, or else from pkg-config.
# addrbook_find(TARGET target [ALSO older_name] PACKAGE name [VERSION minimum] [PKG_CONFIG module]
#               [SEARCH options] HINT text)
function(addrbook_find)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;ALSO;PACKAGE;VERSION;PKG_CONFIG;HINT" "SEARCH")
  set(addrbook_missing "" PARENT_SCOPE)
  if(NOT TARGET ${arg_TARGET} AND NOT (arg_ALSO AND TARGET "${arg_ALSO}"))
    find_package(${arg_PACKAGE} ${arg_VERSION} QUIET ${arg_SEARCH})
  endif()
  if(NOT TARGET ${arg_TARGET} AND arg_ALSO AND TARGET "${arg_ALSO}")
    add_library(${arg_TARGET} INTERFACE IMPORTED)
    target_link_libraries(${arg_TARGET} INTERFACE ${arg_ALSO})
  endif()
  if(NOT TARGET ${arg_TARGET} AND arg_PKG_CONFIG)
    addrbook_pkg_config(${arg_TARGET} ${arg_PKG_CONFIG} ${arg_VERSION})
  endif()
  if(NOT TARGET ${arg_TARGET})
    set(addrbook_missing "${arg_HINT}" PARENT_SCOPE)
  endif()
endfunction()

# addrbook_find_soci(TARGET older_target BACKEND HINT): SOCI with a backend. Its package defines
# TARGET since 4.1; Debian's 4.0 has libraries and headers only.
function(addrbook_find_soci target older_target backend hint)
  set(addrbook_missing "" PARENT_SCOPE)
  if(TARGET ${target})
    return()
  endif()
  if(NOT TARGET ${older_target})
    find_package(SOCI 4.0 QUIET)
  endif()
  if(NOT TARGET ${target} AND TARGET ${older_target})
    add_library(${target} INTERFACE IMPORTED)
    target_link_libraries(${target} INTERFACE ${older_target} SOCI::soci_core)
  endif()
  if(NOT TARGET ${target})
    # With a prefix, because find_path() does nothing if the variable is set, e.g. by the host.
    find_path(addrbook_soci_headers "soci/${backend}/soci-${backend}.h" NO_CACHE)
    find_library(addrbook_soci_backend "soci_${backend}" NO_CACHE)
    find_library(addrbook_soci_core soci_core NO_CACHE)
    if(addrbook_soci_headers AND addrbook_soci_backend AND addrbook_soci_core)
      add_library(${target} INTERFACE IMPORTED)
      target_link_libraries(${target} INTERFACE "${addrbook_soci_backend}" "${addrbook_soci_core}")
      target_include_directories(${target} INTERFACE "${addrbook_soci_headers}")
    endif()
  endif()
  if(NOT TARGET ${target})
    set(addrbook_missing "${hint}" PARENT_SCOPE)
  endif()
endfunction()

# The target of a row of the table of packages.
function(addrbook_find_package name)
  set(addrbook_missing "")
  addrbook_package(${name} row)
  if(name STREQUAL "threads")
    find_package(Threads QUIET)
    if(NOT TARGET Threads::Threads)
      set(addrbook_missing "${row_hint}")
    endif()
  elseif(name STREQUAL "httplib")
    addrbook_find_httplib()
  elseif(name MATCHES "^soci_(.*)")
    addrbook_find_soci(${row_target} ${row_also} ${CMAKE_MATCH_1} "${row_hint}")
  else()
    # CMake's own module for libpq asks for the server's headers as well.
    if(name STREQUAL "libpq" AND NOT TARGET ${row_target})
      addrbook_pkg_config(${row_target} ${row_module} ${row_version})
    endif()
    set(paths "")
    if(name STREQUAL "valijson")
      addrbook_cached_prefixes(paths)
      list(PREPEND paths PATHS)
    endif()
    addrbook_find(TARGET ${row_target} ALSO "${row_also}" PACKAGE ${row_package}
                  VERSION "${row_version}" PKG_CONFIG "${row_module}" SEARCH ${paths}
                  HINT "${row_hint}")
  endif()
  set(addrbook_missing "${addrbook_missing}" PARENT_SCOPE)
  set(addrbook_httplib_is_cached "${addrbook_httplib_is_cached}" PARENT_SCOPE)
endfunction()

function(addrbook_dependencies component)
  set(addrbook_missing "")
  addrbook_component(${component} row)
  foreach(need IN LISTS row_needs)
    addrbook_find_package(${need})
    # The build may fetch it; a search for the installed package must not.
    if(need STREQUAL "httplib" AND addrbook_missing AND NOT TARGET httplib::httplib
       AND NOT "${ARGN}" STREQUAL "QUIET")
      addrbook_fetch_httplib()
      set(addrbook_fetched_httplib "${addrbook_fetched_httplib}" PARENT_SCOPE)
      set(addrbook_missing "")
    endif()
    if(addrbook_missing)
      break()
    endif()
  endforeach()
  if(addrbook_missing AND NOT "${ARGN}" STREQUAL "QUIET")
    message(FATAL_ERROR "addrbook needs ${addrbook_missing}.\n"
                        "cmake/install-deps.sh installs what is missing on Debian and Ubuntu.")
  endif()
  set(addrbook_missing "${addrbook_missing}" PARENT_SCOPE)
  if(component STREQUAL "core")
    set(addrbook_httplib_is_cached "${addrbook_httplib_is_cached}" PARENT_SCOPE)
  endif()
endfunction()
