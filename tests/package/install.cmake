# Installs the build: into a prefix, which the other tests use, and with DESTDIR. Everything must be
# there, and nothing may refer to the source tree.

include("${CMAKE_CURRENT_LIST_DIR}/support.cmake")

run("${CMAKE_COMMAND}" --install "${build}" --config "${build_type}" --prefix "${prefix}")
set(ENV{DESTDIR} "${work}/install/stage")
run("${CMAKE_COMMAND}" --install "${build}" --config "${build_type}" --prefix /addrbook-nowhere)
set(ENV{DESTDIR})

list_files("${prefix}" files)
list_files("${staged_prefix}" staged)
expect_equal("${staged}" "${files}" "DESTDIR changes what is installed")

# A header that belongs to no component would be missing on other machines.
list_files("${source}/include" headers)
list_files("${prefix}/include" installed)
if(fetched_httplib)
  list(REMOVE_ITEM installed httplib.h)
endif()
expect_equal("${installed}" "${headers}" "The installed headers are not those of include/")

foreach(file IN ITEMS bin/addrbook-server share/addrbook/configs/addressbook-local.yaml
                      share/cmake/addrbook/AddrbookComponents.cmake
                      share/cmake/addrbook/AddrbookDependencies.cmake
                      share/cmake/addrbook/addrbookConfig.cmake
                      share/cmake/addrbook/addrbookConfigVersion.cmake share/doc/addrbook/LICENSE
                      share/doc/addrbook/README.md share/pkgconfig/addrbook.pc)
  if(NOT file IN_LIST files)
    message(FATAL_ERROR "Not installed: ${file}\nonly ${files}")
  endif()
endforeach()

file(GLOB_RECURSE texts "${prefix}/include/*" "${prefix}/share/*")
foreach(text IN LISTS texts)
  file(READ "${text}" content)
  foreach(place IN ITEMS "${source}" "${build}" "${prefix}")
    string(FIND "${content}" "${place}" at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${text} names ${place}, which other machines do not have")
    endif()
  endforeach()
endforeach()

# What was installed runs.
run("${prefix}/bin/addrbook-server" --version)
