/// AnswerWriter: sends an answer as fast as its client takes it, and waits for nobody.
#pragma once

#include <addrbook/http.hpp>
#include <addrbook/http/answer_head.hpp>
#include <addrbook/server/transport.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace addrbook::detail {

/// An answer: the bytes of `text`, then the body that `source` makes.
struct Answer {
  std::string text;                    ///< the head; also the body, unless a source makes it
  std::shared_ptr<BodySource> source;  ///< may be null
  AnswerFraming framing = AnswerFraming::length;  ///< of the source's body: chunked or until_close
  bool is_last = false;                           ///< the connection ends after it
};

/// An answer on its way. It holds the source and what the transport has not taken yet: a piece at
/// the most, unless the answer has no source. What the source holds itself is sent from there.
class AnswerWriter {
 public:
  enum class Progress {
    complete,     ///< all of it was taken
    wants_read,   ///< would block; continue when the socket is readable
    wants_write,  ///< would block; continue when the socket is writable
    later,        ///< the source has nothing yet; continue when it is ready
    turn_over,    ///< enough for now; continue after others
    failed,       ///< the answer can't be completed
  };

  /// What is to be sent; changed only before the first pump().
  Answer answer;

  /// Sends as much as is possible now.
  /// @param has_progress  becomes true if the transport took anything
  Progress pump(Transport& transport, bool& has_progress);

  /// For when memory is scarce: the source gives back what it can get again. An answer may then
  /// fail that would have been completed, if the book changes before it goes on.
  void give_back() {
    if (answer.source) answer.source->pause();
  }

  /// Bytes of the answer that the transport has taken.
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

  /// Bytes that wait, and what the source holds.
  [[nodiscard]] std::size_t memory() const noexcept {
    return answer.text.capacity() + (answer.source ? answer.source->memory() : 0);
  }

  /// Forgets the answer, but keeps memory for the next one if it is little.
  void clear() noexcept {
    constexpr std::size_t kept_bytes = std::size_t{64} * 1024;
    answer.text.clear();
    if (answer.text.capacity() > kept_bytes) std::string().swap(answer.text);
    answer.source.reset();
    answer.is_last = false;
    sent_ = 0;
    held_ = 0;
    taken_ = 0;
    has_rest_ = false;
  }

 private:
  static constexpr std::size_t piece_bytes = std::size_t{16} * 1024;  // as sources make them
  static constexpr std::size_t fair_share = std::size_t{512} * 1024;

  void fall_behind();
  BodySource::Status fill();
  Transfer::State send_text(Transport& transport);
  Transfer::State send_held(Transport& transport);

  std::size_t sent_ = 0;  // of the text
  std::size_t held_ = 0;  // what is still to be sent of what the source holds, behind the text
  std::uint64_t taken_ = 0;
  bool has_rest_ = false;  // text or held_ is left over from an earlier call
};

// ---------------------------------------------------------------------------------------------

inline AnswerWriter::Progress AnswerWriter::pump(Transport& transport, bool& has_progress) {
  const std::uint64_t before = taken_;
  auto status = BodySource::Status::piece;
  while (true) {
    // What is left of an earlier call goes first: then the source may not be needed yet.
    if (answer.source && !std::exchange(has_rest_, false)) status = fill();
    if (status == BodySource::Status::failed) return Progress::failed;
    auto state = send_text(transport);
    if (state == Transfer::State::done && held_ != 0) state = send_held(transport);
    has_progress = has_progress || taken_ != before;
    switch (state) {
      case Transfer::State::done: break;
      case Transfer::State::wants_read: fall_behind(); return Progress::wants_read;
      case Transfer::State::wants_write: fall_behind(); return Progress::wants_write;
      default: return Progress::failed;
    }
    if (!answer.source) return Progress::complete;
    if (status == BodySource::Status::later) return Progress::later;
    if (taken_ - before >= fair_share) return Progress::turn_over;
  }
}

inline Transfer::State AnswerWriter::send_text(Transport& transport) {
  std::string& text = answer.text;
  while (sent_ < text.size()) {
    const auto sent = transport.write(text.data() + sent_, text.size() - sent_);
    if (sent.state != Transfer::State::done) return sent.state;
    sent_ += sent.size;
    taken_ += sent.size;
  }
  text.clear();
  sent_ = 0;
  return Transfer::State::done;
}

inline Transfer::State AnswerWriter::send_held(Transport& transport) {
  while (held_ != 0) {
    const auto held = answer.source->held().substr(0, held_);
    if (held.empty()) return Transfer::State::failed;  // the client knows how much has to follow
    const auto sent = transport.write(held.data(), held.size());
    if (sent.state != Transfer::State::done) return sent.state;
    answer.source->skip(sent.size);
    held_ -= sent.size;
    taken_ += sent.size;
  }
  if (answer.framing == AnswerFraming::chunked) answer.text = "\r\n";  // goes with what follows
  return Transfer::State::done;
}

// The client takes its time: what it has taken is given back.
inline void AnswerWriter::fall_behind() {
  has_rest_ = true;
  answer.text.erase(0, std::exchange(sent_, 0));
  if (answer.text.capacity() > answer.text.size() + piece_bytes) answer.text.shrink_to_fit();
}

// Appends pieces of the body to the text until that is worth a system call, or until the source
// holds what follows. At the end of the body the source goes.
inline BodySource::Status AnswerWriter::fill() {
  // The size of a chunk comes first (RFC 9112, 7.1) and is known last.
  constexpr std::string_view usual_size = "4000\r\n";
  const bool is_chunked = answer.framing == AnswerFraming::chunked;
  std::string& text = answer.text;
  const auto put_size = [&text](std::size_t at, std::size_t replaced, std::size_t size) {
    char line[18];
    char* end = std::to_chars(line, line + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    text.replace(at, replaced, line, static_cast<std::size_t>(end - line));
  };
  while (text.size() < piece_bytes / 2) {
    const std::size_t before = text.size();
    if (is_chunked) text.append(usual_size);
    const std::size_t begin = text.size();
    const auto status = answer.source->read(text);
    if (status == BodySource::Status::piece) {
      if (is_chunked) {
        put_size(before, usual_size.size(), text.size() - begin);
        text.append("\r\n");
      }
      const std::size_t held = answer.source->held().size();
      if (held < piece_bytes) continue;
      if (is_chunked) put_size(text.size(), 0, held);
      held_ = held;
      return status;
    }
    text.resize(before);
    if (status == BodySource::Status::end) {
      if (is_chunked) text.append("0\r\n\r\n");
      answer.source.reset();
    }
    return status;
  }
  return BodySource::Status::piece;
}

}  // namespace addrbook::detail
