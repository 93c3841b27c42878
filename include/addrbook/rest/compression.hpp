/// Compression of replies (RFC 9110, 8.4 and 12.5.3).
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/negotiation.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// A source's body in a content coding.
class EncodedSource final : public BodySource {
 public:
  EncodedSource(std::shared_ptr<BodySource> source, std::unique_ptr<Codec> encoder)
      : source_(std::move(source)), encoder_(std::move(encoder)) {}

  Status read(std::string& to) override {
    const ByteSink append = [&to](std::string_view bytes) {
      to.append(bytes);
      return true;
    };
    const std::size_t before = to.size();
    while (to.size() == before) {  // an encoder may keep what it is given
      plain_.clear();
      const Status status = is_ended_ ? Status::end : source_->read(plain_);
      if (status == Status::later || status == Status::failed) return status;
      if (status == Status::end) {
        if (std::exchange(is_ended_, true)) return Status::end;
        if (!encoder_->finish(append)) return Status::failed;
      } else if (!encoder_->write(plain_, append) || (is_live() && !encoder_->flush(append))) {
        return Status::failed;
      }
    }
    return Status::piece;
  }
  [[nodiscard]] bool is_live() const noexcept override { return source_->is_live(); }
  [[nodiscard]] std::size_t min_rate() const noexcept override { return source_->min_rate(); }
  void on_ready(std::function<void()> ready) override { source_->on_ready(std::move(ready)); }
  bool stop() override { return source_->stop(); }
  void pause() override {
    std::string().swap(plain_);  // has been compressed
    source_->pause();
  }
  [[nodiscard]] std::size_t memory() const noexcept override {
    return source_->memory() + encoder_->memory() + plain_.capacity();
  }

 private:
  std::shared_ptr<BodySource> source_;
  std::unique_ptr<Codec> encoder_;
  std::string plain_;
  bool is_ended_ = false;
};

/// Compresses a reply's body if the client accepts that and it is worth it. A source holds its
/// encoder for as long as its client takes, so there must be ample memory for it.
inline void compress(Reply& reply, const Request& request, const Coding& coding) {
  constexpr std::size_t min_bytes = 1024;
  if (!reply.source && reply.body.size() < min_bytes) return;
  // Events are small, and a proxy or client that unpacks them may hold them up.
  if (reply.headers.find("Content-Type") == "text/event-stream") return;
  if (reply.source && request.memory != MemoryState::ample) return;
  const auto accepted = request.header("Accept-Encoding");
  if (!accepted || !accepts_coding(*accepted, coding.name())) return;
  try {
    auto encoder = coding.encoder();
    if (reply.source) {
      reply.source = std::make_shared<EncodedSource>(std::move(reply.source), std::move(encoder));
    } else {
      std::string packed;
      const ByteSink append = [&](std::string_view bytes) {
        packed.append(bytes);
        return true;
      };
      if (!encoder->write(reply.body, append) || !encoder->finish(append)) return;
      reply.body = std::move(packed);
    }
  } catch (...) {
    return;  // an uncompressed answer is better than none
  }
  reply.headers.emplace_back("Content-Encoding", coding.name());
  // RFC 9110, 8.8.3.3: a strong tag stands for one sequence of bytes, and these are others.
  const auto tag = reply.headers.find("ETag");
  if (tag && tag->front() == '"') reply.headers.set("ETag", "W/" + std::string(*tag));
}

}  // namespace addrbook::detail
