/// The library's version. CMake reads it from here.
#pragma once

#define ADDRBOOK_VERSION_MAJOR 0
#define ADDRBOOK_VERSION_MINOR 1
#define ADDRBOOK_VERSION_PATCH 0
#define ADDRBOOK_VERSION "0.1.0"
