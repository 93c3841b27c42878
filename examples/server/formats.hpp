// The formats in which addrbook-server brings contacts in and takes them out.
#pragma once

#include <addrbook/csv.hpp>
#include <addrbook/format.hpp>
#include <addrbook/jscontact.hpp>
#include <addrbook/json_list.hpp>
#include <addrbook/ndjson.hpp>
#include <addrbook/vcard.hpp>

inline addrbook::Formats all_formats() {
  return {addrbook::vcard(), addrbook::csv(), addrbook::ndjson(), addrbook::json_list(),
          addrbook::jscontact()};
}
