# What `cpack` makes of a build tree: addrbook-server_*.deb and libaddrbook-dev_*.deb. Their own files
# are installed with them only (EXCLUDE_FROM_ALL), relative to /usr.

set(debian "${PROJECT_BINARY_DIR}/debian")

# The settings as they are shipped, with the book where the unit keeps its state.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS configs/addressbook-local.yaml LICENSE)
file(READ configs/addressbook-local.yaml settings)
string(REPLACE "sqlite: addressbook.db " "sqlite: /var/lib/addrbook/book.db " settings "${settings}")
if(NOT settings MATCHES "sqlite: /var/lib/addrbook/book.db ")
  message(FATAL_ERROR "configs/addressbook-local.yaml names another file than addressbook.db")
endif()
string(REPLACE "configs/" "/usr/share/addrbook/configs/" settings "${settings}")
file(CONFIGURE OUTPUT "${debian}/server.yaml" CONTENT "${settings}" @ONLY)
file(CONFIGURE OUTPUT "${debian}/conffiles" CONTENT "/etc/addrbook/server.yaml\n")

file(READ LICENSE license)
string(REGEX REPLACE "^MIT License\n\nCopyright[^\n]*\n\n" "" license "${license}")
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n$" "" license "${license}")
string(REPLACE "\n" "\n " expat_license "License: Expat\n${license}")
configure_file(cmake/debian/copyright.in "${debian}/copyright" @ONLY)

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(CPACK_PACKAGE_CONTACT "The addrbook authors <maintainers@example.com>")
file(CONFIGURE OUTPUT "${debian}/changelog.Debian" CONTENT
"addrbook (${PROJECT_VERSION}-1) unstable; urgency=medium

  * What is new is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")

# The header that this build uses goes along, unless it is that of a package.
if(addrbook_fetched_httplib)
  set(httplib_folders "${addrbook_fetched_httplib}")
else()
  get_target_property(httplib_folders httplib::httplib INTERFACE_INCLUDE_DIRECTORIES)
endif()
string(REGEX REPLACE "\\$<BUILD_INTERFACE:([^>]*)>" "\\1" httplib_folders "${httplib_folders}")
find_file(httplib_header httplib.h PATHS ${httplib_folders} /usr/include NO_DEFAULT_PATH NO_CACHE)
set(dev_depends "g++ (>= 4:9) | c++-compiler, nlohmann-json3-dev (>= 3.11)")
set(third_party share/addrbook/third_party/include) # AddrbookDependencies.cmake looks there
if(httplib_header AND NOT httplib_header MATCHES "^/usr/include/")
  install(FILES "${httplib_header}" DESTINATION ${third_party} COMPONENT dev EXCLUDE_FROM_ALL)
  set(pc_cflags " -I\${prefix}/${third_party}")
else()
  addrbook_package(httplib package)
  string(APPEND dev_depends ", libcpp-httplib-dev (>= ${package_version})")
endif()
set(pc_prefix "\${pcfiledir}/../..")
set(pc_includedir "\${prefix}/include")
configure_file(cmake/addrbook.pc.in "${debian}/addrbook.pc" @ONLY)
install(FILES "${debian}/addrbook.pc" DESTINATION share/pkgconfig COMPONENT dev EXCLUDE_FROM_ALL)

set(components_of_packages server dev)
set(packages addrbook-server libaddrbook-dev)

# What Debian wants to be compressed. CMake runs again when the source of a copy has changed.
configure_file(CHANGELOG.md "${debian}/changelog" COPYONLY)
configure_file(examples/server/addrbook-server.1 "${debian}/addrbook-server.1" COPYONLY)
find_program(gzip gzip NO_CACHE REQUIRED)
foreach(document IN ITEMS changelog changelog.Debian addrbook-server.1)
  execute_process(COMMAND "${gzip}" -9nc "${debian}/${document}"
                  OUTPUT_FILE "${debian}/${document}.gz" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(component package IN ZIP_LISTS components_of_packages packages)
  string(TOUPPER ${component} name)
  set(CPACK_DEBIAN_${name}_PACKAGE_NAME ${package})
  install(FILES "${debian}/copyright" "${debian}/changelog.gz" "${debian}/changelog.Debian.gz"
          DESTINATION share/doc/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
if(ADDRBOOK_BUILD_EXAMPLES)
  install(FILES "${debian}/server.yaml" DESTINATION ../etc/addrbook COMPONENT server
          EXCLUDE_FROM_ALL)
  install(FILES "${debian}/addrbook-server.1.gz" DESTINATION share/man/man1 COMPONENT server
          EXCLUDE_FROM_ALL)
  install(FILES configs/systemd/addrbook-server.service configs/systemd/addrbook-backup.service
                configs/systemd/addrbook-backup.timer
          DESTINATION ../lib/systemd/system COMPONENT server EXCLUDE_FROM_ALL)
endif()

# What each component of the library needs to be used, where it is not for everybody.
set(dev_recommends libssl-dev zlib1g-dev libyaml-cpp-dev libutf8proc-dev libsqlite3-dev libsoci-dev
                   libboost-dev libpq-dev)
list(JOIN dev_recommends ", " dev_recommends)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME addrbook)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "address book over HTTP")
set(CPACK_PACKAGE_VENDOR "The addrbook authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_DEB_COMPONENT_INSTALL TRUE)
set(CPACK_COMPONENTS_ALL dev)
if(ADDRBOOK_BUILD_EXAMPLES)
  list(APPEND CPACK_COMPONENTS_ALL server)
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_COMPONENT_SERVER_DESCRIPTION "addrbook-server is an address book as a program:
a REST API for contacts, kept in a SQLite file or in PostgreSQL, with search,
import and export (vCard, JSContact, CSV), changes as they happen, tokens and
TLS.")
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_SERVER_PACKAGE_SHLIBDEPS TRUE)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/cmake/debian/postinst;${PROJECT_SOURCE_DIR}/cmake/debian/prerm"
    "${PROJECT_SOURCE_DIR}/cmake/debian/postrm;${debian}/conffiles")
set(CPACK_COMPONENT_DEV_DESCRIPTION "A header-only C++17 library: one call gives
a program with a server of cpp-httplib a REST API for contacts. Its components
need the packages that are recommended; the core needs none of them.")
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${dev_depends}")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "${dev_recommends}")
include(CPack)
