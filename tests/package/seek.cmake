# seek([FAILS] REGEX ARGUMENTS CACHE_ENTRIES...): find_package(addrbook ARGUMENTS), with commas
# between them. The output must match the regular expression, which has no semicolon.
function(seek)
  set(fails "")
  if("${ARGV0}" STREQUAL "FAILS")
    set(fails FAILS)
    list(POP_FRONT ARGV)
  endif()
  list(POP_FRONT ARGV regex wanted)
  list(JOIN components "," sought)
  # The packages are searched for each time; what is known of the compiler is kept.
  file(REMOVE "${here}/build/CMakeCache.txt")
  configure(${fails} seeker build "-Daddrbook_ROOT=${prefix}" "-DWANTED=${wanted}"
            "-DSOUGHT=${sought}" ${ARGV})
  expect_match("${output}" "${regex}")
endfunction()

# seen(RESULT COMPONENTS...): how the seeker reports the components' targets, in its order.
function(seen result)
  set(reports "")
  foreach(component IN LISTS components)
    if(component IN_LIST ARGN)
      string(REGEX REPLACE "^core$" "addrbook" name "${component}")
      list(APPEND reports "has addrbook::${name}")
    endif()
  endforeach()
  list(JOIN reports " -- " text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

# quoted(TEXT RESULT): a regular expression for TEXT, in which CMake may wrap lines.
function(quoted text result)
  string(REGEX REPLACE "([][.+*?^$()|\\\\])" "\\\\\\1" text "${text}")
  set(${result} "${text}" PARENT_SCOPE)
endfunction()
