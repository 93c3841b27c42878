/// The grammars of http/ against those of the RFCs as regular expressions. The input is the inside
/// of an entity tag on the first line, then a value.
#include "support.hpp"

#include <addrbook/base/ascii.hpp>
#include <addrbook/error.hpp>
#include <addrbook/http.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/http/fields.hpp>
#include <addrbook/http/negotiation.hpp>
#include <addrbook/http/origin.hpp>
#include <addrbook/http/prefix.hpp>
#include <addrbook/http/request_id.hpp>
#include <addrbook/http/trusted_proxies.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace detail = addrbook::detail;
using fuzz::check;
using fuzz::check_equal;

namespace {

bool matches(const std::string& text, const std::regex& pattern) {
  return std::regex_match(text, pattern);
}

std::string lower(std::string text) {
  const std::string upper_case = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (char& c : text) {
    if (upper_case.find(c) != std::string::npos) c = static_cast<char>(c + 32);
  }
  return text;
}

std::string stripped(std::string text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  return text;
}

std::optional<int> qvalue(const std::string& text) {
  static const std::regex pattern("0(\\.[0-9]{0,3})?|1(\\.0{0,3})?");
  if (!matches(text, pattern)) return std::nullopt;
  return static_cast<int>(std::lround(std::strtod(text.c_str(), nullptr) * 1000));
}

std::optional<std::uint64_t> length(const std::string& text) {
  static const std::regex pattern("[0-9]+");
  if (!matches(text, pattern)) return std::nullopt;
  errno = 0;
  const unsigned long long value = std::strtoull(text.c_str(), nullptr, 10);
  return errno == ERANGE ? std::nullopt : std::optional<std::uint64_t>(value);
}

bool is_prefix(const std::string& text) {
  static const std::regex pattern("(/[A-Za-z0-9._~-]+)+");
  static const std::regex dots("(^|.*/)\\.\\.?(/.*|$)");
  return matches(text, pattern) && !matches(text, dots);
}

/// With all quoted strings gone, a comma means two values.
std::string media_type(const std::string& text) {
  std::string outside;
  for (std::size_t at = 0; at < text.size();) {
    const auto quote = std::min(text.find('"', at), text.size());
    outside.append(text, at, quote - at);
    at = quote + 1;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    ++at;
  }
  if (outside.find(',') != std::string::npos) return "";
  return lower(stripped(text.substr(0, text.find(';'))));
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool accepts(const std::string& text, const std::string& coding) {
  int by_name = -1;
  int by_star = -1;
  for (const std::string& member : split(text, ',')) {
    const auto semicolon = member.find(';');
    const std::string name = lower(stripped(member.substr(0, semicolon)));
    const std::string weight =
        semicolon == std::string::npos ? "" : stripped(member.substr(semicolon + 1));
    const auto quality = weight.empty()                       ? std::optional(1000)
                         : lower(weight.substr(0, 2)) == "q=" ? qvalue(weight.substr(2))
                                                              : std::nullopt;
    if (!quality) continue;
    if (name == coding || (coding == "gzip" && name == "x-gzip")) by_name = *quality;
    if (name == "*") by_star = *quality;
  }
  return by_name >= 0 ? by_name > 0 : by_star > 0;
}

/// Reads members as long as they are entity tags.
bool names_tag(const std::string& text, const std::string& tag) {
  static const std::regex star("[ \\t]*\\*[ \\t]*");
  static const std::regex member("[ \\t,]*(W/)?(\"[^\"]*\")[ \\t]*");
  if (matches(text, star)) return true;
  auto at = text.begin();
  std::smatch found;
  while (std::regex_search(at, text.end(), found, member, std::regex_constants::match_continuous)) {
    std::string named = found[2];
    if (named == tag) return true;
    for (const std::string ending : {"-gzip\"", ";gzip\""}) {  // a proxy's
      const auto size = named.size() - std::min(named.size(), ending.size());
      if (named.substr(size) == ending && named.substr(0, size) + "\"" == tag) return true;
    }
    at = found[0].second;
    if (at == text.end() || *at != ',') return false;
  }
  return false;
}

/// What a trusted proxy says in each of its fields: the value.
void check_proxies(const std::string& value) {
  static const detail::TrustedProxies proxies({"127.0.0.1", "10.0.0.0/8", "fd00::/8"});
  addrbook::Request request;
  request.remote_address = "127.0.0.1";
  std::string given = value;
  request.header = [&given](std::string_view) { return std::optional<std::string_view>(given); };
  const auto seen = proxies.see_through(request);
  check(seen.has_value(), "a proxy is trusted");
  check(detail::parse_address_bytes(seen->remote_address).has_value(), "a client has an address");
  const std::string scheme = lower(value);
  check_equal(std::string(seen->scheme), scheme == "http" || scheme == "https" ? scheme : "",
              "a scheme");
  check(seen->proxy_prefix.empty() || is_prefix(std::string(seen->proxy_prefix)), "a prefix");
  // What stands before the address that a proxy has added makes no difference.
  given += ", 198.51.100.7";
  check(proxies.see_through(request)->remote_address == "198.51.100.7", "the last one counts");
  request.remote_address = "192.0.2.1";
  check(!proxies.see_through(request), "others are not trusted");
  try {
    detail::TrustedProxies({value});
  } catch (const addrbook::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::regex request_id("[A-Za-z0-9._-]{1,128}");
  constexpr std::size_t most_bytes = 1024;  // std::regex goes as deep as its text is long
  std::string_view input = fuzz::text(data, std::min(size, most_bytes));
  std::string tag = "\"" + std::string(fuzz::take_until(input, "\n")) + "\"";
  tag.erase(std::remove(tag.begin() + 1, tag.end() - 1, '"'), tag.end() - 1);
  const std::string value(input);

  check_equal(detail::lowercase(value), lower(value), "lowercase");
  check_equal(detail::trim(value), stripped(value), "trim");
  check(detail::parse_qvalue(value) == qvalue(value), "parse_qvalue");
  check(detail::parse_decimal(value) == length(value), "parse_decimal");
  check(detail::is_request_id(value) == matches(value, request_id), "is_request_id");
  check(detail::is_valid_prefix(value) == is_prefix(value), "is_valid_prefix");
  check_equal(detail::media_type(value), media_type(value), "media_type");
  check(detail::accepts_coding(value, "gzip") == accepts(value, "gzip"), "accepts_coding gzip");
  check(detail::accepts_coding(value, "br") == accepts(value, "br"), "accepts_coding br");
  check(detail::matches_any_tag(value, tag) == names_tag(value, tag), "matches_any_tag");
  check(detail::matches_any_tag(tag, tag) && detail::matches_any_tag("W/" + tag, tag),
        "a tag names itself");
  check_proxies(value);
  const bool has_control = std::any_of(value.begin(), value.end(), [](char c) {
    return c != '\t' && (c == 0x7f || (c >= 0 && c < 0x20));
  });
  check(detail::is_field_value(value) != has_control, "is_field_value");
  return 0;
}
