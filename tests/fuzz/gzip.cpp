/// gzip(): two bytes choose the coding and the pieces. The rest is decompressed, and compressed.
#include "support.hpp"

#include <addrbook/gzip.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Codec;
using fuzz::check;
using fuzz::check_equal;

namespace {

/// The limit of the sink. A few hundred bytes can decompress to more.
constexpr std::size_t most_bytes = std::size_t{96} * 1024;
/// The limit of one call of the sink: the memory of a codec does not depend on the data.
constexpr std::size_t most_at_once = std::size_t{16} * 1024;

struct Result {
  std::string outcome;  ///< "good", "cut short", "malformed", "stopped by the sink"
  std::string bytes;    ///< at most most_bytes
};

/// Runs a codec over pieces of random sizes.
/// @param seed  0: all at once
Result run(Codec& codec, std::string_view input, unsigned seed) {
  Result result;
  bool is_stopped = false;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    check(!is_stopped, "a sink that wants no more is not called again");
    check(!bytes.empty() && bytes.size() <= most_at_once, "the output comes in bounded pieces");
    result.bytes.append(bytes.substr(0, most_bytes - result.bytes.size()));
    is_stopped = result.bytes.size() == most_bytes;
    return !is_stopped;
  };
  while (!input.empty()) {
    const std::size_t size = seed == 0 ? input.size() : 1 + (seed >> 4U) % (1 + (seed & 0xFU) * 8);
    seed = seed == 0 ? 0 : (seed * 1103515245U + 12345U) % 0x7FFFFFFFU + 1U;
    const auto piece = input.substr(0, size);
    input.remove_prefix(piece.size());
    const bool goes_on = codec.write(piece, sink);
    check(!(goes_on && is_stopped), "write() says so when the sink wants no more");
    if (!goes_on) {
      result.outcome = is_stopped ? "stopped by the sink" : "malformed";
      return result;
    }
  }
  const bool is_whole = codec.finish(sink);
  result.outcome = is_whole ? "good" : is_stopped ? "stopped by the sink" : "cut short";
  return result;
}

/// The reference: zlib, with one call per member.
Result reference(std::string_view input, bool is_gzip) {
  Result result;
  result.outcome = "cut short";
  result.bytes.resize(most_bytes);
  std::size_t made = 0;
  while (!input.empty() || made == 0) {
    z_stream stream{};
    check(inflateInit2(&stream, is_gzip ? 31 : 15) == Z_OK, "zlib starts");
    std::string copy(input);
    stream.next_in = reinterpret_cast<Bytef*>(copy.data());
    stream.avail_in = static_cast<uInt>(copy.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.bytes.data() + made);
    stream.avail_out = static_cast<uInt>(most_bytes - made);
    const int status = inflate(&stream, Z_SYNC_FLUSH);
    made = most_bytes - stream.avail_out;
    input.remove_prefix(input.size() - stream.avail_in);
    inflateEnd(&stream);
    if (made == most_bytes) {
      result.outcome = "stopped by the sink";
      break;
    }
    if (status != Z_STREAM_END) {
      result.outcome = status == Z_OK || status == Z_BUF_ERROR ? "cut short" : "malformed";
      break;
    }
    result.outcome = "good";
    if (input.empty()) break;
    if (!is_gzip) {  // zlib data has no members
      result.outcome = "malformed";
      break;
    }
  }
  result.bytes.resize(made);
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view codings[] = {"gzip", "deflate", "x-gzip"};
  const std::string_view coding = codings[data[0] % 3];
  const unsigned seed = 1U + data[1] * 257U;
  const std::string_view input = fuzz::text(data + 2, size - 2);

  const auto library = addrbook::gzip();
  const Result at_once = run(*library->decoder(coding), input, 0);
  const Result in_pieces = run(*library->decoder(coding), input, seed);
  check_equal(in_pieces.outcome, at_once.outcome, "splits do not change the outcome");
  check(in_pieces.bytes == at_once.bytes, "splits do not change the bytes");
  const Result expected = reference(input, coding != "deflate");
  check_equal(at_once.outcome, expected.outcome, "the outcome is zlib's");
  check(at_once.bytes == expected.bytes, "the bytes are zlib's");

  const std::string_view plain = input.substr(0, most_bytes - 1);
  const Result packed = run(*library->encoder(), plain, seed);
  check_equal(packed.outcome, "good", "anything can be compressed");
  check(packed.bytes.size() <= plain.size() + plain.size() / 256 + 1024,
        "compression adds no more than rest.hpp allows for");
  const Result unpacked = run(*library->decoder("gzip"), packed.bytes, seed + 1);
  check_equal(unpacked.outcome, "good", "compressed data can be decompressed");
  check(unpacked.bytes == plain, "compression loses nothing");
  check(reference(packed.bytes, true).bytes == plain, "zlib reads compressed data");
  return 0;
}
