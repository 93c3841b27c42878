# What addrbook consists of and what it needs: the tables that the build, the install, the installed
# package config and the package tests read.

# The component `core` is the target addrbook::addrbook, each other one addrbook::NAME. Without an
# option a component is always defined. `needs` names rows of the table of packages, whose targets
# the component links.
#
# A component that another one links is defined with it. `needs` of that one are repeated in its row.
#
# Headers are named below include/addrbook, without .hpp. `room/` stands for all headers of a folder
# that no other row names. A header may belong to several components.
set(ADDRBOOK_COMPONENTS
# component  | option              | links  | needs                      | headers
  "core      |                     |        | threads nlohmann_json httplib | \
addrbook authorization book_store books cached_store changes contact document entry error export format http import log log_file memory_books memory_store metrics mount openapi options page query rest \
service store text validator version base/ contacts/ json/ http/ metrics/ openapi/ page/ rest/ storage/book_states storage/change_hub storage/change_queue storage/entry_cache storage/group_commit storage/index_terms storage/revision_poll storage/sort_token storage/statistics storage/sweeper storage/write_plan \
httplib/adapter httplib/book_host httplib/httplib"
  "formats   |                     | core   |                            | csv jscontact json_list ndjson vcard formats/"
  "server    |                     | core   |                            | serve server server/ httplib/"
  "gzip      | ADDRBOOK_GZIP       | core   | zlib                       | gzip"
  "tokens    | ADDRBOOK_TOKENS     | core   | crypto                     | tokens"
  "schema    | ADDRBOOK_SCHEMA     | core   | valijson                   | schema schema/"
  "tls       | ADDRBOOK_TLS        | server | ssl crypto                 | tls_server server/tls_*"
  "config    | ADDRBOOK_CONFIG     | core   | yaml-cpp                   | config config/"
  "text      | ADDRBOOK_TEXT       | core   | utf8proc                   | unicode_text contacts/unicode_*"
  "sqlite    | ADDRBOOK_SQLITE     | core text | sqlite3 soci_sqlite3 utf8proc | sqlite storage/sqlite_* storage/sql_*"
  "postgresql| ADDRBOOK_POSTGRESQL | core text | libpq soci_postgresql utf8proc | \
postgresql storage/postgresql_* storage/socket_deadlines storage/sql_*")

# `also` is an older name of the target, `module` that of pkg-config, or what to link where there is
# none: headers alone need nothing. Threads, httplib and the backends of SOCI are searched for in their own ways.
set(ADDRBOOK_PACKAGES
# name            | target                       | also             | package       | version | module        | hint
  "threads        | Threads::Threads             |                  | Threads       |         |               | a C++ compiler with threads"
  "nlohmann_json  | nlohmann_json::nlohmann_json |                  | nlohmann_json | 3.11    | nlohmann_json | \
nlohmann-json >= 3.11 (Debian: nlohmann-json3-dev, Fedora: json-devel, Homebrew: nlohmann-json)"
  "httplib        | httplib::httplib             |                  |               | 0.41    | cpp-httplib   | cpp-httplib >= 0.41"
  "zlib           | ZLIB::ZLIB                   |                  | ZLIB          | 1.2     | zlib          | \
zlib (Debian: zlib1g-dev, Fedora: zlib-devel)"
  "crypto         | OpenSSL::Crypto              |                  | OpenSSL       | 1.1.1   | libcrypto     | \
OpenSSL >= 1.1.1 (Debian: libssl-dev, Fedora: openssl-devel)"
  "ssl            | OpenSSL::SSL                 |                  | OpenSSL       | 3.0     | openssl       | \
OpenSSL >= 3.0 (Debian: libssl-dev, Fedora: openssl-devel)"
  # Since 0.8 the name without a namespace is deprecated, up to 0.7 there is no other.
  "yaml-cpp       | yaml-cpp::yaml-cpp           | yaml-cpp         | yaml-cpp      | 0.7     | yaml-cpp      | \
yaml-cpp >= 0.7 (Debian: libyaml-cpp-dev, Fedora: yaml-cpp-devel)"
  "valijson       | valijson::valijson           | valijson         | valijson      |         |               | \
the headers of valijson (cmake/install-deps.sh of addrbook's source gets them on Debian and Ubuntu, Homebrew has valijson)"
  "utf8proc       | utf8proc::utf8proc           | utf8proc         | utf8proc      | 2.5     | libutf8proc   | \
utf8proc >= 2.5 (Debian: libutf8proc-dev, Fedora: utf8proc-devel)"
  "sqlite3        | SQLite::SQLite3              |                  | SQLite3       | 3.35    | sqlite3       | \
SQLite >= 3.35 (Debian: libsqlite3-dev, Fedora: sqlite-devel)"
  "libpq          | PostgreSQL::PostgreSQL       |                  | PostgreSQL    | 14      | libpq         | \
libpq >= 14 (Debian: libpq-dev, Fedora: libpq-devel)"
  "soci_sqlite3   | SOCI::SQLite3                | SOCI::soci_sqlite3    | SOCI     | 4.0     | -lsoci_sqlite3 -lsoci_core | \
SOCI >= 4.0 with its sqlite3 backend (Debian: libsoci-dev and libboost-dev, Fedora: soci-sqlite3-devel)"
  "soci_postgresql| SOCI::PostgreSQL             | SOCI::soci_postgresql | SOCI     | 4.0     | -lsoci_postgresql -lsoci_core | \
SOCI >= 4.0 with its postgresql backend (Debian: libsoci-dev and libboost-dev, Fedora: soci-postgresql-devel)")

# addrbook_row(TABLE NAME PREFIX FIELDS...): sets PREFIX_FIELD for each field of a row.
function(addrbook_row table name prefix)
  foreach(row IN LISTS ${table})
    string(REPLACE "|" ";" cells "${row}")
    list(TRANSFORM cells STRIP)
    list(POP_FRONT cells first)
    if(first STREQUAL name)
      foreach(field cell IN ZIP_LISTS ARGN cells)
        set(${prefix}_${field} "${cell}" PARENT_SCOPE)
      endforeach()
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "${table} has no row '${name}'")
endfunction()

# addrbook_component(NAME PREFIX): sets PREFIX_option, PREFIX_links, PREFIX_needs, PREFIX_headers.
function(addrbook_component name prefix)
  addrbook_row(ADDRBOOK_COMPONENTS ${name} row option links needs headers)
  foreach(field IN ITEMS option links needs headers)
    separate_arguments(value UNIX_COMMAND "${row_${field}}")
    set(${prefix}_${field} "${value}" PARENT_SCOPE)
  endforeach()
endfunction()

# addrbook_package(NAME PREFIX): sets PREFIX_target, PREFIX_also, PREFIX_package, PREFIX_version,
# PREFIX_module, PREFIX_hint.
function(addrbook_package name prefix)
  set(fields target also package version module hint)
  addrbook_row(ADDRBOOK_PACKAGES ${name} row ${fields})
  foreach(field IN LISTS fields)
    set(${prefix}_${field} "${row_${field}}" PARENT_SCOPE)
  endforeach()
endfunction()

# The names of all components.
function(addrbook_component_names result)
  set(names ${ADDRBOOK_COMPONENTS})
  list(TRANSFORM names REPLACE " *\\|.*" "")
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# The target of a component, without its namespace.
function(addrbook_target component result)
  set(${result} addrbook_${component} PARENT_SCOPE)
  if(component STREQUAL "core")
    set(${result} addrbook PARENT_SCOPE)
  endif()
endfunction()
