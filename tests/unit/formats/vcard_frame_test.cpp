#include <addrbook/formats/vcard_frame.hpp>

#include <doctest/doctest.h>

#include <string>

using addrbook::detail::vcard_mark;
using addrbook::detail::vcard_version;
using addrbook::detail::VCardMark;

TEST_CASE("vcard frame: where cards begin and end") {
  for (const char* const line : {"BEGIN:VCARD", "begin:vCard", "BEGIN:VCARD \t"}) {
    CHECK(vcard_mark(line) == VCardMark::begin);
  }
  for (const char* const line : {"END:VCARD", "end:vcard "}) {
    CHECK(vcard_mark(line) == VCardMark::end);
  }
  for (const char* const line : {"AGENT:", "agent: ", "item1.AGENT;TYPE=x:"}) {
    CHECK(vcard_mark(line) == VCardMark::agent);
  }
  for (const char* const line : {"AGENT:BEGIN:VCARD", "a.b.agent;x:begin:vcard "}) {
    CHECK(vcard_mark(line) == VCardMark::agent_begin);
  }
  for (const char* const line : {"", " ", " BEGIN:VCARD", "BEGIN:VCALENDAR", "BEGIN:VCARD=", "FN:",
                                 "FN:BEGIN:VCARD", "AGENT:x", "AGENT:x:", "AGENT:x:BEGIN:VCARD",
                                 "AGENT;X=01234567890123456789012345678901234567890:BEGIN:VCARD",
                                 "XAGENT:", ":BEGIN:VCARD", "AGENT:END:VCARD", ":", " AGENT:"}) {
    CAPTURE(line);
    CHECK(vcard_mark(line) == VCardMark::none);
  }
}

TEST_CASE("vcard frame: the version, wherever it stands") {
  CHECK(vcard_version("VERSION:3.0\nFN:Ann\n") == "3.0");
  CHECK(vcard_version("FN:Ann\nversion;X=1: 2.1 \n") == "2.1");
  CHECK(vcard_version("AGENT:\nBEGIN:VCARD\nVERSION:2.1\nEND:VCARD\nVERSION:3.0\n") == "3.0");
  CHECK(vcard_version("VERSION:\n").empty());
  CHECK(vcard_version("VERSION;\n").empty());
  CHECK(vcard_version("VERSIONX:3.0\n VERSION:4.0\nVERSION\n").empty());
  CHECK(vcard_version("").empty());
}
