# What addrbook stands on. Used by the build and, installed beside the package config, by everyone
# who finds the package; so both look for the same things in the same places.
#
# addrbook_dependencies(COMPONENT [QUIET]) makes the imported targets that a component links. On
# failure: an error that names the package, or with QUIET the reason in addrbook_missing.
#
# Functions, and targets that are not GLOBAL: whoever has addrbook as a guest finds none of its
# variables changed, and can still define targets of these names.

set(ADDRBOOK_HTTPLIB_MINIMUM 0.41)
# v0.53.1, fetched by the build where the machine has none that is recent enough.
set(ADDRBOOK_HTTPLIB_COMMIT b8fe69e4e892ec394ca8de27ab2fe219008690b6)

# The version that a cpp-httplib header says it is, "" if there is none.
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
      # No alias: the installed package would name what it stands for, and nobody has that.
      add_library(${target} INTERFACE IMPORTED)
      target_link_libraries(${target} INTERFACE PkgConfig::addrbook_${module})
    endif()
  endif()
endfunction()

# httplib::httplib. Its package config can't be asked for "0.41 or newer" (it accepts its own minor
# version alone), and a directory searched earlier may hold an older one; so the headers are looked
# at first, and the package is taken from where a good one is.
function(addrbook_find_httplib)
  set(too_old "")
  if(TARGET httplib::httplib)
    get_target_property(directories httplib::httplib INTERFACE_INCLUDE_DIRECTORIES)
    foreach(directory IN LISTS directories)
      string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" directory "${directory}")
      addrbook_httplib_version("${directory}/httplib.h" version)
      if(version AND version VERSION_LESS ADDRBOOK_HTTPLIB_MINIMUM)
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
    # Where cmake/install-deps.sh puts it for a user who is not root.
    if(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
      list(APPEND prefixes "$ENV{XDG_CACHE_HOME}/addrbook")
    endif()
    list(APPEND prefixes "$ENV{HOME}/.cache/addrbook")
    if(NOT DEFINED CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OR CMAKE_FIND_USE_CMAKE_SYSTEM_PATH)
      list(APPEND prefixes ${CMAKE_SYSTEM_PREFIX_PATH})
    endif()
    list(REMOVE_DUPLICATES prefixes)

    foreach(prefix IN LISTS prefixes)
      set(header "${prefix}/include/httplib.h")
      addrbook_httplib_version("${header}" version)
      if(NOT version)
        continue()
      elseif(version VERSION_LESS ADDRBOOK_HTTPLIB_MINIMUM)
        list(APPEND too_old "${version} in ${prefix}/include")
        continue()
      endif()
      # Under a name of ours: the host may have looked for httplib itself, in vain or for another,
      # and finds its httplib_DIR as it was.
      set(httplib_FIND_QUIETLY TRUE)
      unset(httplib_FOUND)
      unset(addrbook_httplib_DIR CACHE)
      find_package(addrbook_httplib CONFIG QUIET NAMES httplib PATHS "${prefix}" NO_DEFAULT_PATH)
      unset(addrbook_httplib_DIR CACHE)
      if(NOT TARGET httplib::httplib)
        # The header alone is all that it takes, but for what distributions have that compile it:
        # declarations only, which nothing but their package can be used with.
        file(STRINGS "${header}" whole REGEX "^inline Server::Server\\(\\)" LIMIT_COUNT 1)
        if(whole)
          addrbook_header_httplib("${prefix}/include")
        endif()
      endif()
      if(TARGET httplib::httplib)
        break()
      endif()
    endforeach()
    if(NOT TARGET httplib::httplib)
      addrbook_pkg_config(httplib::httplib cpp-httplib ${ADDRBOOK_HTTPLIB_MINIMUM})
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
      "cpp-httplib >= ${ADDRBOOK_HTTPLIB_MINIMUM} (${found}; distributions often have an older one. \
On Debian cmake/install-deps.sh of addrbook's source gets the header)"
      PARENT_SCOPE)
endfunction()

# The header of the pinned commit. Not by its own CMake project, which would bring options, searches
# and an install of its own into the host's build.
function(addrbook_fetch_httplib)
  message(STATUS "Fetching cpp-httplib: the machine has no ${ADDRBOOK_HTTPLIB_MINIMUM} or newer")
  include(FetchContent)
  FetchContent_Declare(
    addrbook_httplib GIT_REPOSITORY https://github.com/yhirose/cpp-httplib.git
    GIT_TAG ${ADDRBOOK_HTTPLIB_COMMIT} SOURCE_SUBDIR header-only)
  FetchContent_MakeAvailable(addrbook_httplib)
  addrbook_header_httplib("${addrbook_httplib_SOURCE_DIR}")
  # For the install: no machine but this one has that directory.
  set(addrbook_fetched_httplib "${addrbook_httplib_SOURCE_DIR}" PARENT_SCOPE)
endfunction()

# A target from a package config, or else from pkg-config.
# addrbook_find(TARGET target [ALSO older_name] PACKAGE name VERSION minimum PKG_CONFIG module
#               HINT text)
function(addrbook_find)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "TARGET;ALSO;PACKAGE;VERSION;PKG_CONFIG;HINT" "")
  set(addrbook_missing "" PARENT_SCOPE)
  if(NOT TARGET ${arg_TARGET} AND NOT (arg_ALSO AND TARGET "${arg_ALSO}"))
    find_package(${arg_PACKAGE} ${arg_VERSION} QUIET)
  endif()
  if(NOT TARGET ${arg_TARGET} AND arg_ALSO AND TARGET "${arg_ALSO}")
    add_library(${arg_TARGET} INTERFACE IMPORTED)
    target_link_libraries(${arg_TARGET} INTERFACE ${arg_ALSO})
  endif()
  if(NOT TARGET ${arg_TARGET})
    addrbook_pkg_config(${arg_TARGET} ${arg_PKG_CONFIG} ${arg_VERSION})
  endif()
  if(NOT TARGET ${arg_TARGET})
    set(addrbook_missing "${arg_HINT}" PARENT_SCOPE)
  endif()
endfunction()

# addrbook_find_soci(TARGET older_target BACKEND): SOCI with a backend. Since 4.1 its package
# names that by TARGET; Debian's 4.0 has libraries and headers only.
function(addrbook_find_soci target older_target backend)
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
    find_path(headers "soci/${backend}/soci-${backend}.h" NO_CACHE)
    find_library(backend_library "soci_${backend}" NO_CACHE)
    find_library(core_library soci_core NO_CACHE)
    if(headers AND backend_library AND core_library)
      add_library(${target} INTERFACE IMPORTED)
      target_link_libraries(${target} INTERFACE "${backend_library}" "${core_library}")
      target_include_directories(${target} INTERFACE "${headers}")
    endif()
  endif()
  if(NOT TARGET ${target})
    set(addrbook_missing
        "SOCI >= 4.0 with its ${backend} backend (Debian: libsoci-dev and libboost-dev, Fedora: soci-${backend}-devel)"
        PARENT_SCOPE)
  endif()
endfunction()

function(addrbook_dependencies component)
  set(addrbook_missing "")
  if(component STREQUAL "core")
    find_package(Threads QUIET)
    if(NOT TARGET Threads::Threads)
      set(addrbook_missing "a C++ compiler with threads")
    endif()
    if(NOT addrbook_missing)
      addrbook_find(
        TARGET nlohmann_json::nlohmann_json PACKAGE nlohmann_json VERSION 3.11
        PKG_CONFIG nlohmann_json
        HINT "nlohmann-json >= 3.11 (Debian: nlohmann-json3-dev, Fedora: json-devel, Homebrew: nlohmann-json)")
    endif()
    if(NOT addrbook_missing)
      addrbook_find_httplib()
      # The build may fetch it; a package that is only being found must not.
      if(addrbook_missing AND NOT TARGET httplib::httplib AND NOT "${ARGN}" STREQUAL "QUIET")
        addrbook_fetch_httplib()
        set(addrbook_fetched_httplib "${addrbook_fetched_httplib}" PARENT_SCOPE)
        set(addrbook_missing "")
      endif()
    endif()
  elseif(component STREQUAL "gzip")
    addrbook_find(TARGET ZLIB::ZLIB PACKAGE ZLIB VERSION 1.2 PKG_CONFIG zlib
                  HINT "zlib (Debian: zlib1g-dev, Fedora: zlib-devel)")
  elseif(component STREQUAL "tokens")
    addrbook_find(TARGET OpenSSL::Crypto PACKAGE OpenSSL VERSION 1.1.1 PKG_CONFIG libcrypto
                  HINT "OpenSSL >= 1.1.1 (Debian: libssl-dev, Fedora: openssl-devel)")
  elseif(component STREQUAL "tls")
    addrbook_find(TARGET OpenSSL::SSL PACKAGE OpenSSL VERSION 3.0 PKG_CONFIG openssl
                  HINT "OpenSSL >= 3.0 (Debian: libssl-dev, Fedora: openssl-devel)")
  elseif(component STREQUAL "config")
    # Since 0.8 the name without a namespace is deprecated, up to 0.7 there is no other.
    addrbook_find(TARGET yaml-cpp::yaml-cpp ALSO yaml-cpp PACKAGE yaml-cpp VERSION 0.7
                  PKG_CONFIG yaml-cpp
                  HINT "yaml-cpp >= 0.7 (Debian: libyaml-cpp-dev, Fedora: yaml-cpp-devel)")
  elseif(component STREQUAL "sqlite")
    addrbook_find(TARGET SQLite::SQLite3 PACKAGE SQLite3 VERSION 3.35 PKG_CONFIG sqlite3
                  HINT "SQLite >= 3.35 (Debian: libsqlite3-dev, Fedora: sqlite-devel)")
    if(NOT addrbook_missing)
      addrbook_find_soci(SOCI::SQLite3 SOCI::soci_sqlite3 sqlite3)
    endif()
  elseif(component STREQUAL "postgresql")
    # CMake's own module asks for the server's headers as well.
    if(NOT TARGET PostgreSQL::PostgreSQL)
      addrbook_pkg_config(PostgreSQL::PostgreSQL libpq 14)
    endif()
    addrbook_find(TARGET PostgreSQL::PostgreSQL PACKAGE PostgreSQL VERSION 14 PKG_CONFIG libpq
                  HINT "libpq >= 14 (Debian: libpq-dev, Fedora: libpq-devel)")
    if(NOT addrbook_missing)
      addrbook_find_soci(SOCI::PostgreSQL SOCI::soci_postgresql postgresql)
    endif()
  endif() # server needs no more than the core
  if(addrbook_missing AND NOT "${ARGN}" STREQUAL "QUIET")
    message(FATAL_ERROR "addrbook needs ${addrbook_missing}.\n"
                        "cmake/install-deps.sh installs what is missing on Debian and Ubuntu.")
  endif()
  set(addrbook_missing "${addrbook_missing}" PARENT_SCOPE)
endfunction()
