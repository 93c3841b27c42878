#include <addrbook/rest/document_source.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <utility>

using addrbook::BodySource;
using addrbook::Document;
using addrbook::detail::DocumentSource;

TEST_CASE("document_source: an address in pieces") {
  const Document document =
      Document::parse(R"({"photo":")" + std::string(DocumentSource::min_bytes, 'x') + "\"}");
  DocumentSource source(document);
  CHECK(source.memory() >= document.text().size());
  std::string all;
  std::size_t largest = 0;
  std::string piece;
  while (source.read(piece) == BodySource::Status::piece) {
    largest = piece.size() > largest ? piece.size() : largest;
    all += std::exchange(piece, {});
  }
  CHECK(all == document.text());
  CHECK(largest == 16 * 1024);
  CHECK(source.read(piece) == BodySource::Status::end);
}
