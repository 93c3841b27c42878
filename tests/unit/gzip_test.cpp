#include <addrbook/gzip.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using addrbook::Codec;
using addrbook::detail::ZlibCodec;

namespace {

struct Result {
  bool is_good = false;
  std::string bytes;
};

Result run(Codec& codec, std::string_view input, std::size_t piece) {
  Result result;
  const addrbook::ByteSink sink = [&](std::string_view bytes) {
    result.bytes.append(bytes);
    return true;
  };
  while (!input.empty()) {
    const auto part = input.substr(0, piece);
    input.remove_prefix(part.size());
    if (!codec.write(part, sink)) return result;
  }
  result.is_good = codec.finish(sink);
  return result;
}

std::string pack(std::string_view text) {
  const auto result = run(*addrbook::gzip()->encoder(), text, text.size() + 1);
  REQUIRE(result.is_good);
  return result.bytes;
}

std::string pack_zlib(std::string_view text) {
  ZlibCodec codec(ZlibCodec::Direction::deflate, 15);
  const auto result = run(codec, text, text.size() + 1);
  REQUIRE(result.is_good);
  return result.bytes;
}

Result unpack(std::string_view bytes, std::size_t piece = 1'000'000,
              std::string_view coding = "gzip") {
  const auto decoder = addrbook::gzip()->decoder(coding);
  REQUIRE(decoder);
  return run(*decoder, bytes, piece);
}

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random() & 0xFFU); });
  return text;
}

}  // namespace

TEST_CASE("gzip: the codings that it knows") {
  const auto coding = addrbook::gzip();
  CHECK(coding->name() == "gzip");
  CHECK(coding->encoder() != nullptr);
  for (const std::string name : {"gzip", "x-gzip", "deflate"}) {
    CAPTURE(name);
    CHECK(coding->decoder(name) != nullptr);
  }
  for (const std::string name : {"", "br", "zstd", "compress", "identity", "gzip, gzip", "GZIP"}) {
    CAPTURE(name);
    CHECK(coding->decoder(name) == nullptr);
  }
}

TEST_CASE("gzip: decompression restores the input, at sizes around those of the buffers") {
  constexpr std::size_t buffer = std::size_t{16} * 1024;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, buffer - 1, buffer, buffer + 1,
                                 2 * buffer, 3 * buffer + 7, std::size_t{1} << 20U}) {
    for (const std::string& text : {noise(size), std::string(size, ' ')}) {
      const std::string packed = pack(text);
      CAPTURE(size);
      CHECK(packed.substr(0, 2) == "\x1F\x8B");
      for (const std::size_t piece : {std::size_t{7}, buffer, packed.size()}) {
        CAPTURE(piece);
        const auto result = unpack(packed, piece);
        CHECK(result.is_good);
        CHECK((result.bytes == text));
      }
      const auto deflated = unpack(pack_zlib(text), 1000, "deflate");
      CHECK(deflated.is_good);
      CHECK((deflated.bytes == text));
    }
  }
  CHECK(pack(std::string(std::size_t{1} << 20U, ' ')).size() < 10'000);
}

TEST_CASE("gzip: the pieces in which the input comes do not matter") {
  const std::string text = noise(100'000);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{4096}, std::size_t{70'000}}) {
    CAPTURE(piece);
    const auto packed = run(*addrbook::gzip()->encoder(), text, piece);
    REQUIRE(packed.is_good);
    const auto result = unpack(packed.bytes);
    CHECK(result.is_good);
    CHECK((result.bytes == text));
  }
}

TEST_CASE("gzip: several members are one text") {
  const std::string both = pack("first,") + pack("") + pack("second");
  for (const std::size_t piece : {std::size_t{1}, std::size_t{10}, both.size()}) {
    CAPTURE(piece);
    const auto result = unpack(both, piece);
    CHECK(result.is_good);
    CHECK(result.bytes == "first,second");
  }
}

TEST_CASE("gzip: input that is cut short anywhere is refused") {
  const std::string packed = pack(R"({"name":"Ada Example"})");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(unpack(packed.substr(0, size)).is_good);
    CHECK_FALSE(unpack(packed.substr(0, size), 1).is_good);
  }
  const std::string second_cut = packed + packed.substr(0, packed.size() - 1);
  CHECK_FALSE(unpack(second_cut).is_good);
  const std::string zlib = pack_zlib("x");
  CHECK_FALSE(unpack(zlib.substr(0, zlib.size() - 1), 100, "deflate").is_good);
}

TEST_CASE("gzip: malformed input, or anything but a member after a member, is refused") {
  const std::string packed = pack("{}");
  for (const std::string& bytes :
       {std::string("{}"), std::string("plain text"), std::string(100, '\0'), packed + "x",
        packed + std::string(8, '\0'), packed + "\x1F", packed + "{}", pack_zlib("{}"),
        "x" + packed, noise(500)}) {
    CAPTURE(bytes);
    CHECK_FALSE(unpack(bytes).is_good);
    CHECK_FALSE(unpack(bytes, 1).is_good);
  }
  CHECK_FALSE(unpack(packed, 100, "deflate").is_good);
}

TEST_CASE("gzip: a wrong checksum or length is refused") {
  const std::string packed = pack("some text that is long enough");
  for (std::size_t back = 1; back <= 8; ++back) {
    CAPTURE(back);
    std::string changed = packed;
    changed[changed.size() - back] = static_cast<char>(changed[changed.size() - back] ^ 1);
    CHECK_FALSE(unpack(changed).is_good);
  }
}

TEST_CASE("gzip: stops when the sink refuses") {
  const std::string packed = pack(std::string(std::size_t{10} << 20U, ' '));
  std::size_t taken = 0;
  const auto decoder = addrbook::gzip()->decoder("gzip");
  CHECK_FALSE(decoder->write(packed, [&](std::string_view bytes) {
    taken += bytes.size();
    return false;
  }));
  CHECK(taken > 0);
  CHECK(taken <= std::size_t{16} * 1024);

  const auto refuse = [](std::string_view) { return false; };
  CHECK_FALSE(addrbook::gzip()->encoder()->finish(refuse));
  const std::string text = noise(1'000'000);
  CHECK_FALSE(addrbook::gzip()->encoder()->write(text, refuse));
}

TEST_CASE("gzip: what has been flushed can be read before the end") {
  const auto encoder = addrbook::gzip()->encoder();
  const auto decoder = addrbook::gzip()->decoder("gzip");
  std::string packed;
  std::string plain;
  const addrbook::ByteSink to_packed = [&](std::string_view bytes) {
    packed.append(bytes);
    return true;
  };
  const addrbook::ByteSink to_plain = [&](std::string_view bytes) {
    plain.append(bytes);
    return true;
  };
  for (const std::string text : {"first", "second"}) {
    packed.clear();
    REQUIRE(encoder->write(text, to_packed));
    REQUIRE(encoder->flush(to_packed));
    REQUIRE(encoder->flush(to_packed));  // with nothing new
    REQUIRE(decoder->write(packed, to_plain));
    REQUIRE(decoder->flush(to_plain));
    CHECK(plain.substr(plain.size() - text.size()) == text);
  }
  packed.clear();
  REQUIRE(encoder->finish(to_packed));
  REQUIRE(decoder->write(packed, to_plain));
  CHECK(decoder->finish(to_plain));
  CHECK(plain == "firstsecond");

  const auto refused = addrbook::gzip()->encoder();
  REQUIRE(refused->write("text", to_packed));
  CHECK_FALSE(refused->flush([](std::string_view) { return false; }));
}

TEST_CASE("gzip: a codec says how much memory it holds, whatever it is given") {
  const auto encoder = addrbook::gzip()->encoder();
  const auto decoder = addrbook::gzip()->decoder("gzip");
  CHECK(encoder->memory() == std::size_t{256} * 1024);
  CHECK(decoder->memory() == std::size_t{39} * 1024);
  CHECK(addrbook::gzip()->decoder("deflate")->memory() == decoder->memory());
  REQUIRE(run(*decoder, pack(noise(1'000'000)), 1000).is_good);
  CHECK(decoder->memory() == std::size_t{39} * 1024);
}
