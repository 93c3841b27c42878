/// gzip and deflate by zlib, for Options::coding. Needs zlib (target addrbook::gzip).
#pragma once

#include <addrbook/error.hpp>
#include <addrbook/http.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>

namespace addrbook {

namespace detail {

/// One zlib stream, in either direction. Its memory does not depend on the size of the data.
class ZlibCodec final : public Codec {
 public:
  enum class Direction { deflate, inflate };

  /// @param window_bits  of zlib: 15 for the zlib format ("deflate"), 15 + 16 for gzip
  ZlibCodec(Direction direction, int window_bits)
      : direction_(direction), has_members_(window_bits > 15) {
    // Level 1 compresses 20 MB of JSON in 0.1 s instead of 0.3 s, to 10 % more bytes.
    constexpr int level = 1;
    const int status = direction == Direction::deflate
                           ? deflateInit2(&stream_, level, Z_DEFLATED, window_bits, memory_level,
                                          Z_DEFAULT_STRATEGY)
                           : inflateInit2(&stream_, window_bits);
    if (status != Z_OK) throw Error(Errc::internal, "zlib can't be started");
  }
  ~ZlibCodec() override {
    if (direction_ == Direction::deflate) {
      deflateEnd(&stream_);
    } else {
      inflateEnd(&stream_);
    }
  }

  bool write(std::string_view input, const ByteSink& sink) override {
    while (!input.empty()) {
      constexpr std::size_t max_part = (std::numeric_limits<uInt>::max)();
      const auto part = input.substr(0, max_part);
      input.remove_prefix(part.size());
      // zlib does not write to its input, although the pointer is not const.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      stream_.avail_in = static_cast<uInt>(part.size());
      if (!run(Z_NO_FLUSH, sink)) return false;
    }
    return true;
  }

  bool flush(const ByteSink& sink) override {
    return direction_ == Direction::inflate || run(Z_SYNC_FLUSH, sink);
  }

  bool finish(const ByteSink& sink) override {
    if (direction_ == Direction::inflate) return ended_;
    return run(Z_FINISH, sink);
  }

  /// What zconf.h of zlib says, for a window of 32 KiB: 256 KiB to compress, "plus a few kilobytes
  /// for small objects"; 39 KiB to decompress.
  [[nodiscard]] std::size_t memory() const noexcept override {
    constexpr std::size_t window = std::size_t{1} << 15U;
    constexpr std::size_t to_deflate = (window << 2U) + (std::size_t{1} << (memory_level + 9));
    constexpr std::size_t to_inflate = window + std::size_t{7} * 1024;
    return direction_ == Direction::deflate ? to_deflate : to_inflate;
  }

 private:
  static constexpr int memory_level = 8;

  bool run(int flush, const ByteSink& sink) {
    std::array<char, std::size_t{16} * 1024> buffer;  // NOLINT: zlib fills it
    while (true) {
      if (ended_ && direction_ == Direction::inflate) {
        if (stream_.avail_in == 0) return true;
        if (!has_members_) return false;
        // RFC 1952, 2.2: further members may follow, but nothing else.
        if (inflateReset(&stream_) != Z_OK) return false;
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      const int status = direction_ == Direction::deflate ? ::deflate(&stream_, flush)
                                                          : ::inflate(&stream_, flush);
      const std::size_t made = buffer.size() - stream_.avail_out;
      if (made != 0 && !sink({buffer.data(), made})) return false;
      ended_ = status == Z_STREAM_END;
      if (ended_ && direction_ == Direction::deflate) return true;
      if (ended_) continue;
      if (status == Z_BUF_ERROR) return true;  // needs more input
      if (status != Z_OK) return false;
      if (stream_.avail_out != 0 && stream_.avail_in == 0 && flush != Z_FINISH) return true;
    }
  }

  Direction direction_;
  bool has_members_;  // gzip only
  z_stream stream_{};
  bool ended_ = false;
};

class GzipCoding final : public Coding {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "gzip"; }

  [[nodiscard]] std::unique_ptr<Codec> encoder() const override {
    return std::make_unique<ZlibCodec>(ZlibCodec::Direction::deflate, gzip_format);
  }
  [[nodiscard]] std::unique_ptr<Codec> decoder(std::string_view coding) const override {
    if (coding == "gzip" || coding == "x-gzip") {  // RFC 9110, 8.4.1.3: equivalent
      return std::make_unique<ZlibCodec>(ZlibCodec::Direction::inflate, gzip_format);
    }
    if (coding == "deflate") {  // RFC 9110, 8.4.1.2: the zlib format
      return std::make_unique<ZlibCodec>(ZlibCodec::Direction::inflate, zlib_format);
    }
    return nullptr;
  }

 private:
  static constexpr int zlib_format = 15;
  static constexpr int gzip_format = zlib_format + 16;
};

}  // namespace detail

/// @returns  a coding that compresses answers with gzip, and decompresses bodies in gzip and
///           deflate. One object can serve any number of books.
[[nodiscard]] inline std::shared_ptr<const Coding> gzip() {
  return std::make_shared<detail::GzipCoding>();
}

}  // namespace addrbook
