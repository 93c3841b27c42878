/// The handler of the contacts page.
#pragma once

#include <addrbook/base/checksum.hpp>
#include <addrbook/http/conditions.hpp>
#include <addrbook/page.hpp>
#include <addrbook/rest/context.hpp>
#include <addrbook/rest/error_reply.hpp>
#include <addrbook/rest/reply.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// What the paths of the page's files begin with.
constexpr std::string_view page_folder = "/_page/files/";

/// Puts a text in the place of what stands for it.
inline void fill_in(std::string& text, std::string_view mark, std::string_view value) {
  const auto at = text.find(mark);
  if (at != std::string::npos) text.replace(at, mark.size(), value);
}

/// GET _page and its files: 200 with a file; or 304.
inline Reply get_page(Context& context) {
  const std::string_view name = context.id.empty() ? "index.html" : context.id;
  const char* const file = page_file(name);
  if (file == nullptr || context.id == "index.html") throw HttpError(404, "Unknown Endpoint");
  Reply reply = empty_reply(200);
  reply.headers.emplace_back("Content-Security-Policy", addrbook::page_policy);
  reply.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  if (context.id.empty() && context.exchange.request().path.back() == '/') {
    // From here the links of the page would lead elsewhere. A proxy may have cut the path in front.
    reply.status = 308;
    reply.headers.emplace_back("Location", "../_page");
    return reply;
  }
  std::string text = file;
  if (context.id.empty()) {
    std::string formats;
    for (const auto& format : context.options.formats) {
      formats.append(formats.empty() ? "" : " ").append(format->name());
    }
    fill_in(text, "{tail}", context.prefix.tail());
    fill_in(text, "{formats}", formats);
  }
  const EntityTag tag(checksum(text), text.size());
  reply.headers.emplace_back("ETag", tag.text());
  if (context.exchange.client_has(Validators{tag})) {
    reply.status = 304;
    return reply;
  }
  reply.headers.emplace_back("Content-Type", page_type(name));
  reply.body = std::move(text);
  return reply;
}

}  // namespace addrbook::detail
