# For work on addrbook itself. A build that only uses it does not read this.

option(ADDRBOOK_DEVELOPER "Treat warnings in our own code as errors" OFF)
option(ADDRBOOK_VERIFY_HEADERS "Compile every header alone" ${ADDRBOOK_DEVELOPER})
option(ADDRBOOK_COVERAGE "Count the lines that run" OFF)
option(ADDRBOOK_FUZZ "Make the fuzz targets libFuzzer programs (Clang)" OFF)
set(ADDRBOOK_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined")

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(ccache ccache)
if(ccache AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${ccache}")
endif()

# Not a property of addrbook's targets: programs that link those have flags of their own.
add_library(addrbook_developer INTERFACE)
if(ADDRBOOK_DEVELOPER)
  target_compile_options(addrbook_developer INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                                                      -Werror)
endif()
if(ADDRBOOK_SANITIZE)
  # For everything that is linked here: a program of which only a part is instrumented has false
  # reports. -g1 gives the reports line numbers; full debug information takes a fifth of the build.
  add_compile_options(-fsanitize=${ADDRBOOK_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g1)
  if(ADDRBOOK_SANITIZE MATCHES "undefined")
    # SOCI's libraries do not export the type information of their classes.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Under instrumentation, g++ does not see that std::regex initialises what it moves.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
  add_link_options(-fsanitize=${ADDRBOOK_SANITIZE})
endif()
if(ADDRBOOK_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic -g1)
  add_link_options(--coverage)
endif()
