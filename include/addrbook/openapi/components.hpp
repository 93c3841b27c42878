/// What the operations of the API document share: schemas, header fields, parameters of the head.
#pragma once

#include <addrbook/rest/about.hpp>

#include <string_view>
#include <vector>

namespace addrbook::detail {

/// A part of `components`.
struct ApiComponent {
  std::string_view name;
  std::string_view json;
};

/// JSON Schemas of bodies.
[[nodiscard]] inline std::vector<ApiComponent> schema_components() {
  return {
      {"Error",
       R"({"type":"object","description":"What every refusal has.",)"
       R"("required":["method","uri","code","message"],"properties":{)"
       R"("method":{"type":"string"},)"
       R"("uri":{"type":"string","description":"The target of the request before ?, as it was sent."},)"
       R"("code":{"type":"integer","minimum":400,"maximum":599},)"
       R"("message":{"type":"string"},)"
       R"("index":{"type":"integer","minimum":0,"description":"Of the operation of a batch that failed."},)"
       R"("errors":{"type":"array","maxItems":100,"description":"What a validator found.",)"
       R"("items":{"type":"object","required":["pointer","reason"],"properties":{)"
       R"("pointer":{"type":"string","description":"Where: a JSON Pointer (RFC 6901)."},)"
       R"("reason":{"type":"string"}},"additionalProperties":false}},)"
       R"("trace":{"type":"string","description":"Only in debug mode: what was thrown, and where."}},)"
       R"("additionalProperties":false})"},
      {"Address",
       R"({"type":"object","description":"Any JSON object. As a contact it is read from name, )"
       R"(full_name, given, family, organization, email, emails, phone, phones, labels, birthday )"
       R"(and more names, or as a JSContact Card (RFC 9553). The server may refuse others.",)"
       R"("additionalProperties":true})"},
      {"MergePatch", R"({"type":"object","description":"RFC 7396: null removes a member.",)"
                     R"("additionalProperties":true})"},
      {"JsonPatch",
       R"({"type":"array","description":"RFC 6902.","items":{"type":"object","required":["op","path"],)"
       R"("properties":{"op":{"enum":["add","remove","replace","move","copy","test"]},)"
       R"("path":{"type":"string"},"from":{"type":"string"},"value":{}}}})"},
      {"Id", R"({"type":"string","pattern":"^[A-Za-z0-9-]{1,64}$"})"},
      {"Revision",
       R"({"type":"integer","minimum":1,"description":"Rises with every write of the book."})"},
      {"Book", R"({"type":"object","description":"Addresses by their ids, in order of creation.",)"
               R"("propertyNames":{"pattern":"^[A-Za-z0-9-]{1,64}$"},)"
               R"("additionalProperties":{"$ref":"#/components/schemas/Address"}})"},
      {"Entry",
       R"({"type":"object","required":["id","revision","created_at","updated_at","address"],)"
       R"("properties":{"id":{"$ref":"#/components/schemas/Id"},)"
       R"("revision":{"$ref":"#/components/schemas/Revision"},)"
       R"("created_at":{"type":"string","format":"date-time"},)"
       R"("updated_at":{"type":"string","format":"date-time"},)"
       R"("address":{"$ref":"#/components/schemas/Address"}},"additionalProperties":false})"},
      {"Summary",
       R"({"type":"object","required":["id","revision","summary"],)"
       R"("properties":{"id":{"$ref":"#/components/schemas/Id"},)"
       R"("revision":{"$ref":"#/components/schemas/Revision"},)"
       R"("summary":{"type":"object","required":["name","given","family","organization",)"
       R"("emails","phones","labels","birthday"],"properties":{)"
       R"("name":{"type":"string"},"given":{"type":"string"},"family":{"type":"string"},)"
       R"("organization":{"type":"string"},"emails":{"type":"array","items":{"type":"string"}},)"
       R"("phones":{"type":"array","items":{"type":"string"}},)"
       R"("labels":{"type":"array","items":{"type":"string"}},"birthday":{"type":"string"}},)"
       R"("additionalProperties":false}},"additionalProperties":false})"},
      {"Entries",
       R"({"type":"array","maxItems":1000,"items":{"$ref":"#/components/schemas/Entry"}})"},
      {"Summaries",
       R"({"type":"array","maxItems":1000,"items":{"$ref":"#/components/schemas/Summary"}})"},
      {"Addresses", R"({"type":"array","description":"With format=json.",)"
                    R"("items":{"$ref":"#/components/schemas/Address"}})"},
      {"Listing",
       R"({"anyOf":[{"$ref":"#/components/schemas/Book"},)"
       R"({"$ref":"#/components/schemas/Entries"},{"$ref":"#/components/schemas/Summaries"}]})"},
      {"ListingOrFile",
       R"({"anyOf":[{"$ref":"#/components/schemas/Book"},)"
       R"({"$ref":"#/components/schemas/Entries"},{"$ref":"#/components/schemas/Summaries"},)"
       R"({"$ref":"#/components/schemas/Addresses"}]})"},
      {"ImportReport",
       R"({"type":"object","required":["created","updated","skipped","failed","errors","warnings"],)"
       R"("properties":{"created":{"type":"integer","minimum":0},)"
       R"("updated":{"type":"integer","minimum":0},"skipped":{"type":"integer","minimum":0},)"
       R"("failed":{"type":"integer","minimum":0},)"
       R"("errors":{"$ref":"#/components/schemas/Problems"},)"
       R"("warnings":{"$ref":"#/components/schemas/Problems"},)"
       R"("failed_batches":{"type":"array","items":{"type":"object",)"
       R"("required":["first","last","records","message"],"properties":{)"
       R"("first":{"type":"integer","minimum":0},"last":{"type":"integer","minimum":0},)"
       R"("records":{"type":"integer","minimum":1},"message":{"type":"string"}},)"
       R"("additionalProperties":false}}},"additionalProperties":false})"},
      {"Problems",
       R"({"type":"array","maxItems":100,"description":"The first 100.","items":{"type":"object",)"
       R"("required":["index","line","message"],"properties":{)"
       R"("index":{"type":"integer","minimum":0,"description":"Among the records."},)"
       R"("line":{"type":"integer","minimum":1},"message":{"type":"string"}},)"
       R"("additionalProperties":false}})"},
      {"Batch",
       R"({"type":"array","maxItems":1000,"items":{"oneOf":[)"
       R"({"type":"object","title":"Create","required":["op","address"],"properties":{)"
       R"("op":{"const":"create"},"id":{"$ref":"#/components/schemas/Id"},)"
       R"("address":{"$ref":"#/components/schemas/Address"}},"additionalProperties":false},)"
       R"({"type":"object","title":"Replace","required":["op","id","address"],"properties":{)"
       R"("op":{"const":"replace"},"id":{"$ref":"#/components/schemas/Id"},)"
       R"("address":{"$ref":"#/components/schemas/Address"},)"
       R"("if_revision":{"type":"integer","minimum":0}},"additionalProperties":false},)"
       R"({"type":"object","title":"Patch","required":["op","id","patch"],"properties":{)"
       R"("op":{"const":"patch"},"id":{"$ref":"#/components/schemas/Id"},)"
       R"("patch":{"$ref":"#/components/schemas/MergePatch"},)"
       R"("if_revision":{"type":"integer","minimum":0}},"additionalProperties":false},)"
       R"({"type":"object","title":"Delete","required":["op","id"],"properties":{)"
       R"("op":{"const":"delete"},"id":{"$ref":"#/components/schemas/Id"},)"
       R"("if_revision":{"type":"integer","minimum":0}},"additionalProperties":false}]}})"},
      {"BatchResult",
       R"({"type":"array","maxItems":1000,"items":{"type":"object","required":["id","revision"],)"
       R"("properties":{"id":{"$ref":"#/components/schemas/Id"},)"
       R"("revision":{"$ref":"#/components/schemas/Revision"}},"additionalProperties":false}})"},
      {"Changes",
       R"({"type":"object","required":["changes","next","more"],"properties":{)"
       R"("changes":{"type":"array","maxItems":1000,"items":{"oneOf":[)"
       R"({"type":"object","title":"Put","required":["id","op","revision","address"],"properties":{)"
       R"("id":{"$ref":"#/components/schemas/Id"},"op":{"const":"put"},)"
       R"("revision":{"$ref":"#/components/schemas/Revision"},)"
       R"("address":{"$ref":"#/components/schemas/Address"}},"additionalProperties":false},)"
       R"({"type":"object","title":"Deleted","required":["id","op","revision"],"properties":{)"
       R"("id":{"$ref":"#/components/schemas/Id"},"op":{"const":"delete"},)"
       R"("revision":{"$ref":"#/components/schemas/Revision"}},"additionalProperties":false}]}},)"
       R"("next":{"type":"string","description":"The token for since."},)"
       R"("more":{"type":"boolean","description":"Whether there are more already."}},)"
       R"("additionalProperties":false})"},
      {"BookState",
       R"({"type":"object","required":["name","count","revision"],"properties":{)"
       R"("name":{"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._~@+-]{0,127}$"},)"
       R"("count":{"type":"integer","minimum":0},"revision":{"type":"integer","minimum":0}},)"
       R"("additionalProperties":false})"},
      {"BookStates",
       R"({"type":"array","maxItems":1000,"items":{"$ref":"#/components/schemas/BookState"}})"},
      {"Health",
       R"({"type":"object","required":["status"],"properties":{"status":{"const":"pass"}},)"
       R"("additionalProperties":false})"},
      {"Document",
       R"({"type":"object","required":["openapi","info","paths"],"properties":{)"
       R"("openapi":{"type":"string"},"info":{"type":"object"},"paths":{"type":"object"}}})"},
  };
}

/// Fields of answers. `required`: in each answer that names it.
[[nodiscard]] inline std::vector<ApiComponent> header_components() {
  return {
      {"ETag",
       R"({"description":"The state of what is answered, for If-Match and If-None-Match; weak for )"
       R"(lists, and where it is compressed.","required":true,)"
       R"("schema":{"type":"string","pattern":"^(W/)?\"[!#-~]+\"$"}})"},
      {"Last-Modified",
       R"({"description":"When the address was written last.","required":true,)"
       R"("schema":{"type":"string","pattern":"^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} )"
       R"([0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"}})"},
      {"Location",
       R"({"description":"The path of what was made; with a 308, the path to ask for.",)"
       R"("required":true,"schema":{"type":"string","pattern":"^[./]"}})"},
      {"Content-Location", R"({"description":"The path of the address that is answered.",)"
                           R"("schema":{"type":"string","pattern":"^/"}})"},
      {"Preference-Applied", R"({"description":"What of Prefer was followed.",)"
                             R"("schema":{"enum":["return=representation","return=minimal"]}})"},
      {"Link", R"({"description":"The next page, if there is one (RFC 8288).",)"
               R"("schema":{"type":"string","pattern":"^</[^>]*>; rel=\"next\"$"}})"},
      {"X-Total-Count",
       R"({"description":"How many there are on all pages: where nothing is filtered, and with )"
       R"(count=true.","schema":{"type":"string","pattern":"^[0-9]+$"}})"},
      {"Content-Disposition",
       R"({"description":"The name of the file, where a format is answered.",)"
       R"("schema":{"type":"string","pattern":"^attachment; filename=\""}})"},
      {"Retry-After", R"({"description":"After how many seconds to try again.","required":true,)"
                      R"("schema":{"type":"string","pattern":"^[0-9]+$"}})"},
      {"WWW-Authenticate", R"({"description":"What credentials are asked for.","required":true,)"
                           R"("schema":{"type":"string","minLength":1}})"},
      {"Accept-Patch",
       R"({"description":"The types of patches, where that of the body is none of them.",)"
       R"("schema":{"type":"string"}})"},
      {"Accept-Encoding",
       R"({"description":"The codings of bodies, where that of the body is none of them.",)"
       R"("schema":{"type":"string"}})"},
      {"Accept", R"({"description":"The types of bodies, where that of the body is none of them.",)"
                 R"("schema":{"type":"string"}})"},
      {"X-Accel-Buffering", R"({"description":"Tells proxies to pass a stream on as it comes.",)"
                            R"("schema":{"const":"no"}})"},
      {"Content-Security-Policy",
       R"({"description":"What the page may load.","required":true,"schema":{"type":"string"}})"},
      {"Cross-Origin-Opener-Policy", R"({"description":"Windows of other sites are kept apart.",)"
                                     R"("schema":{"const":"same-origin"}})"},
      {"Referrer-Policy",
       R"({"description":"The page tells no other.","schema":{"const":"no-referrer"}})"},
      {"X-Request-Id",
       R"({"description":"That of the request, or a fresh one; also in the log.","required":true,)"
       R"("schema":{"type":"string","pattern":"^[A-Za-z0-9._-]{1,128}$"}})"},
      {"Cache-Control", R"({"description":"Caches ask before they use it.","required":true,)"
                        R"("schema":{"const":"private, no-cache"}})"},
      {"X-Content-Type-Options",
       R"({"description":"The type is to be taken as it is.","required":true,)"
       R"("schema":{"const":"nosniff"}})"},
      {"Vary", R"({"description":"Fields of the request that the answer depends on.",)"
               R"("schema":{"type":"string"}})"},
      {"Content-Encoding",
       R"({"description":"Bodies of 1 KiB and more are compressed for who accepts that.",)"
       R"("schema":{"type":"string"}})"},
      {"Access-Control-Allow-Origin",
       R"({"description":"For web pages of allowed origins.","schema":{"type":"string"}})"},
      {"Access-Control-Expose-Headers",
       R"({"description":"For web pages of allowed origins.","schema":{"type":"string"}})"},
  };
}

/// Parts of paths, as `{name}`.
[[nodiscard]] inline std::vector<Parameter> path_parameters() {
  return {{"book", "The name of the book.",
           R"({"type":"string","pattern":"^[A-Za-z0-9][A-Za-z0-9._~@+-]{0,127}$"})", R"("family")"},
          {"id", "The id of the address.", R"({"type":"string","pattern":"^[A-Za-z0-9-]{1,64}$"})",
           R"("ann")"},
          {"file", "The name of the file.", R"({"type":"string","pattern":"^[^/?]+$"})",
           R"("app.js")"}};
}

/// Fields of requests.
[[nodiscard]] inline std::vector<Parameter> field_parameters() {
  return {
      {"If-Match", "Only if the state has one of these tags, or `*`: if there is one. Else 412.",
       R"({"type":"string"})"},
      {"If-None-Match",
       "Only if the state has none of these tags, or `*`: if there is none. Else 304 for a read, "
       "412 for a write.",
       R"({"type":"string"})"},
      {"If-Modified-Since", "Only if it was changed since this date. Else 304.",
       R"({"type":"string"})"},
      {"If-Unmodified-Since", "Only if it was not changed since this date. Else 412.",
       R"({"type":"string"})"},
      {"Prefer", "`return=representation`: the answer has the address (RFC 7240).",
       R"({"type":"string"})", R"("return=representation")"},
      {"Idempotency-Key",
       "Of one's own for each address: for 24 hours, the same request with the same key creates "
       "nothing again, and gets the first answer.",
       R"({"type":"string","minLength":1,"maxLength":257})"},
      {"Last-Event-ID",
       "In place of `since`, for a stream; browsers send it when they connect again.",
       R"({"type":"string"})"},
      {"X-Request-Id", "Comes back, and is in the log.", R"({"type":"string"})"},
  };
}

}  // namespace addrbook::detail
