/// DocumentSource: a large address on its way to a client.
#pragma once

#include <addrbook/document.hpp>
#include <addrbook/http.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// An address's text piece by piece. It shares the text with the store, and a server counts it
/// among what it holds for slow clients.
class DocumentSource final : public BodySource {
 public:
  /// A smaller text is sent as a whole.
  static constexpr std::size_t min_bytes = std::size_t{128} * 1024;

  explicit DocumentSource(Document document) : document_(std::move(document)) {}

  Status read(std::string& to) override {
    constexpr std::size_t piece_bytes = std::size_t{16} * 1024;
    const std::string_view rest = std::string_view(document_.text()).substr(sent_);
    if (rest.empty()) return Status::end;
    const std::string_view piece = rest.substr(0, piece_bytes);
    to.append(piece);
    sent_ += piece.size();
    return Status::piece;
  }
  [[nodiscard]] std::size_t memory() const noexcept override { return document_.text().capacity(); }

 private:
  const Document document_;
  std::size_t sent_ = 0;
};

}  // namespace addrbook::detail
