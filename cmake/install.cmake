include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Not in lib, because nothing here depends on the machine's architecture.
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/addrbook)

# An export set for each component, so that finding one does not need another's dependency.
foreach(component IN LISTS components)
  addrbook_target(${component} target)
  install(TARGETS ${target} EXPORT addrbook-${component} FILE_SET HEADERS COMPONENT dev)
  install(EXPORT addrbook-${component} NAMESPACE addrbook:: FILE addrbook-${component}.cmake
          DESTINATION ${package_dir} COMPONENT dev)
endforeach()
# Other machines do not have the header that this build fetched.
if(addrbook_fetched_httplib)
  install(FILES "${addrbook_fetched_httplib}/httplib.h" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(FILES "${addrbook_fetched_httplib}/LICENSE" DESTINATION ${CMAKE_INSTALL_DOCDIR}
          RENAME LICENSE.cpp-httplib)
endif()

list(JOIN components ", " installed_components)
list(JOIN components " " installed_names)
configure_package_config_file(cmake/addrbookConfig.cmake.in addrbookConfig.cmake
                              INSTALL_DESTINATION ${package_dir}
                              NO_CHECK_REQUIRED_COMPONENTS_MACRO NO_SET_AND_CHECK_MACRO)
# Until 1.0, minor versions may be incompatible.
write_basic_package_version_file(addrbookConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/addrbookConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/addrbookConfigVersion.cmake
              cmake/AddrbookComponents.cmake cmake/AddrbookDependencies.cmake
        DESTINATION ${package_dir} COMPONENT dev)

# For pkg-config. cpp-httplib as a single header has no module, so its directory is named here if it
# is not one that compilers search anyway.
set(pc_cflags "")
set(pc_requires "")
get_target_property(httplib_links httplib::httplib INTERFACE_LINK_LIBRARIES)
if("PkgConfig::addrbook_cpp-httplib" IN_LIST httplib_links)
  addrbook_package(httplib package)
  set(pc_requires ", ${package_hint}")
elseif(NOT addrbook_fetched_httplib)
  get_target_property(directories httplib::httplib INTERFACE_INCLUDE_DIRECTORIES)
  foreach(directory IN LISTS directories)
    if(NOT directory MATCHES "\\$<|^/usr/(local/)?include$")
      string(REPLACE " " "\\ " directory "${directory}")
      string(APPEND pc_cflags " -I${directory}")
    endif()
  endforeach()
endif()
# Relative to the file, so that the prefix can be moved. Absolute directories are kept as they are.
set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_DATADIR}")
  file(RELATIVE_PATH pc_prefix "/${CMAKE_INSTALL_DATADIR}/pkgconfig" /)
  string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
  string(PREPEND pc_prefix "\${pcfiledir}/")
endif()
set(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
if(NOT IS_ABSOLUTE "${pc_includedir}")
  string(PREPEND pc_includedir "\${prefix}/")
endif()
# What a program that uses a component gives to pkg-config or the linker in addition.
set(pc_components "")
foreach(component IN LISTS components)
  addrbook_component(${component} row)
  set(modules "")
  foreach(need IN LISTS row_needs)
    addrbook_package(${need} package)
    list(APPEND modules ${package_module})
  endforeach()
  if(row_option)
    list(JOIN modules " " modules)
    get_target_property(definitions addrbook_${component} INTERFACE_COMPILE_DEFINITIONS)
    if(definitions)
      string(APPEND modules " -D${definitions}")
    endif()
    string(APPEND pc_components "# ${component}: ${modules}\n")
  endif()
endforeach()
configure_file(cmake/addrbook.pc.in addrbook.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/addrbook.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)

install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(ADDRBOOK_BUILD_EXAMPLES)
  install(TARGETS addrbook-server COMPONENT server)
  install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/addrbook COMPONENT server)
endif()
