/// The routes in words, for the API document.
#pragma once

#include <addrbook/rest/about.hpp>

#include <string_view>

namespace addrbook::detail {

// The example of all documents: one address, under an id that was chosen for it.
constexpr std::string_view example_address =
    R"({"name":"Ann Example","emails":["ann@example.com"],"labels":["friends"]})";

[[nodiscard]] inline About about_list() {
  return {"listAddresses",
          "Without parameters: the whole book, as one object of addresses by their ids, in order "
          "of creation. With any of them: a page of a list, filtered and sorted; `Link` leads to "
          "the next page. With `format`, or with an `Accept` that prefers a format to JSON: all "
          "that is asked for, as a file, in pages only where `limit` is given.",
          "If-None-Match If-Match",
          {{200, "The book, a page of a list, or a file.", "Listing", "ETag Link X-Total-Count",
            R"([{"id":"ann","revision":1,"created_at":"2026-11-25T15:40:00.123Z",)"
            R"("updated_at":"2026-11-25T15:40:00.123Z","address":{"name":"Ann Example",)"
            R"("emails":["ann@example.com"],"labels":["friends"]}}])"},
           {304, "Nothing has changed since the answer with this `ETag`.", {}, "ETag"}},
          {},
          {},
          "q=an+exam&limit=10"};
}

[[nodiscard]] inline About about_receive() {
  return {"createAddress",
          "A JSON object becomes an address with a fresh id. JSON is also read under `text/json`, "
          "`text/plain`, `application/octet-stream`, any `+json`, the type that `curl -d` sends, "
          "or none.",
          "Prefer Idempotency-Key",
          {{201, "It is created. With `Prefer: return=representation` the answer has it.",
            "Address", "Location ETag Content-Location Preference-Applied"},
           {200, "What an import has done, or what it would do.", "ImportReport", {}, {}, {}, true},
           {207,
            "Parts of an import could not be stored: they are in `failed_batches`.",
            "ImportReport",
            {},
            {},
            {},
            true},
           {422, "The key was used for another address before."}},
          "Address",
          example_address};
}

[[nodiscard]] inline About about_get() {
  return {"getAddress",
          "The address as it was stored: only white space outside strings is gone.",
          "If-None-Match If-Modified-Since If-Match If-Unmodified-Since",
          {{200, "The address.", "Address", "ETag Last-Modified", example_address},
           {304,
            "It has not changed since the answer with this `ETag`, or since this date.",
            {},
            "ETag Last-Modified"}}};
}

[[nodiscard]] inline About about_replace() {
  return {"replaceAddress",
          "Replaces the whole address. With `If-None-Match: *` it creates one under this id "
          "instead, and replaces none.",
          "If-Match If-None-Match If-Unmodified-Since Prefer",
          {{204, "It is replaced.", {}, "ETag Preference-Applied"},
           {200, "It is replaced, and the answer has it, as `Prefer: return=representation` wants.",
            "Address", "ETag Content-Location Preference-Applied"},
           {201, "It is created under this id.", "Address",
            "Location ETag Content-Location Preference-Applied"}},
          "Address",
          example_address,
          {},
          "If-None-Match: *"};
}

[[nodiscard]] inline About about_patch() {
  return {"patchAddress",
          "Changes parts of an address: by a merge patch (RFC 7396), in which null removes a "
          "member, or by a JSON Patch (RFC 6902), whose operations can test what is there.",
          "If-Match If-None-Match If-Unmodified-Since Prefer",
          {{204, "It is changed.", {}, "ETag Preference-Applied"},
           {200, "It is changed, and the answer has it, as `Prefer: return=representation` wants.",
            "Address", "ETag Content-Location Preference-Applied"},
           {409, "A `test` of the patch fails, or one of its paths leads nowhere."}},
          "MergePatch",
          R"({"labels":["friends","chess"]})"};
}

[[nodiscard]] inline About about_remove() {
  return {"deleteAddress",
          "Deletes the address. Its id may be used again.",
          "If-Match If-None-Match If-Unmodified-Since",
          {{204, "It is deleted."}}};
}

[[nodiscard]] inline About about_batch() {
  return {"writeBatch",
          "Up to 1000 writes that are done all, or none of them. Conditions hold for the state "
          "before, so an id may stand there once. An error has the `index` of the operation that "
          "it is about.",
          {},
          {{200,
            "All are done: the id and the new revision of each, in their order.",
            "BatchResult",
            {},
            R"([{"id":"bob","revision":2}])"},
           {404, "An operation is for an address, or a book, that does not exist."},
           {409, "An operation creates an address whose id is taken, or patches are overtaken."},
           {412, "An address is not at its `if_revision`."}},
          "Batch",
          R"([{"op":"create","id":"bob","address":{"name":"Bob Example"}}])"};
}

[[nodiscard]] inline About about_changes() {
  return {"getChanges",
          "What has changed since a token, or everything that there is without one: each address "
          "once, with its latest state, by revision. With `Accept: text/event-stream` it is a "
          "stream of Server-Sent Events, for each change `id: <token>` and `data: <the change>`; "
          "an event `reset` says that the token is no longer good.",
          "Last-Event-ID",
          {{200, "A page of changes, or the stream.", "Changes", "X-Accel-Buffering",
            R"({"changes":[{"id":"ann","op":"put","revision":1,"address":{"name":"Ann Example",)"
            R"("emails":["ann@example.com"],"labels":["friends"]}}],)"
            R"("next":"3224a525670361201","more":false})",
            "text/event-stream"},
           {410, "The token is not of this book, or is too old: read the book anew."}}};
}

[[nodiscard]] inline About about_health() {
  return {"getHealth",
          "Says that the program answers requests, whatever its storage does. Under any host "
          "name, without authorization.",
          {},
          {{200, "It does.", "Health", {}, R"({"status":"pass"})"}}};
}

[[nodiscard]] inline About about_ready() {
  return {"getReady",
          "Says whether requests can be served now. Under any host name, without authorization.",
          {},
          {{200, "They can.", "Health", {}, R"({"status":"pass"})"},
           {503, "The storage can't be used, or the program is about to end.", {}, "Retry-After"}}};
}

[[nodiscard]] inline About about_metrics() {
  return {"getMetrics",
          "Numbers of the server in Prometheus' text format.",
          {},
          {{200, "The numbers now.", {}, {}, {}, "text/plain"}}};
}

[[nodiscard]] inline About about_page() {
  return {"getPage",
          "A page for people with a browser: finds, changes, brings in and takes out contacts.",
          "If-None-Match If-Match",
          {{200,
            "HTML.",
            {},
            "ETag Content-Security-Policy Cross-Origin-Opener-Policy Referrer-Policy",
            {},
            "text/html"},
           {304,
            "It is still the same.",
            {},
            "ETag Content-Security-Policy Cross-Origin-Opener-Policy Referrer-Policy"},
           {308,
            "The page is at the path without the slash at the end.",
            {},
            "Location Content-Security-Policy Cross-Origin-Opener-Policy Referrer-Policy"}}};
}

[[nodiscard]] inline About about_page_file() {
  return {"getPageFile",
          "A file that the page loads.",
          "If-None-Match If-Match",
          {{200,
            "The file.",
            {},
            "ETag Content-Security-Policy Cross-Origin-Opener-Policy Referrer-Policy",
            {},
            "text/javascript text/css image/svg+xml"},
           {304,
            "It is still the same.",
            {},
            "ETag Content-Security-Policy Cross-Origin-Opener-Policy Referrer-Policy"},
           {404, "There is no such file."}}};
}

[[nodiscard]] inline About about_openapi() {
  return {"getDocument",
          "This document: what this mount serves, with its prefix, formats and limits.",
          "If-None-Match If-Match",
          {{200, "OpenAPI 3.1.", "Document", "ETag"}, {304, "It is still the same.", {}, "ETag"}}};
}

[[nodiscard]] inline About about_openapi_page() {
  return {"getDocumentPage",
          "This document as a page for people, which loads nothing else.",
          "If-None-Match If-Match",
          {{200, "HTML.", {}, "ETag Content-Security-Policy Referrer-Policy", {}, "text/html"},
           {304, "It is still the same.", {}, "ETag"}}};
}

[[nodiscard]] inline About about_list_books() {
  return {"listBooks",
          "The books that the caller may read, by name. A page may be short, or empty, and have a "
          "`Link` all the same.",
          {},
          {{200, "A page of books.", "BookStates", "Link",
            R"([{"name":"family","count":1,"revision":1}])"}}};
}

[[nodiscard]] inline About about_make_book() {
  return {"makeBook",
          "Makes an empty book, if there is none of this name.",
          {},
          {{201, "It is made.", {}, "Location"}, {204, "It was there."}}};
}

[[nodiscard]] inline About about_get_book() {
  return {"getBook",
          "How many addresses the book has, and the revision of its last write.",
          "If-None-Match If-Match",
          {{200, "The book's state.", "BookState", "ETag",
            R"({"name":"family","count":1,"revision":1})"},
           {304, "Nothing has changed since the answer with this `ETag`.", {}, "ETag"}}};
}

[[nodiscard]] inline About about_remove_book() {
  return {"removeBook",
          "Removes the book with all that is in it.",
          "If-Match",
          {{204, "It is removed."}}};
}

}  // namespace addrbook::detail
