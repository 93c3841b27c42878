/// Contacts for benchmarks. All of it is invented.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Contacts with some hundred bytes each. Of the names, some are many times as frequent as others.
class InventedContacts {
 public:
  explicit InventedContacts(unsigned seed) : random_(seed) {
    const std::vector<std::string> syllables{"an", "be", "co", "da", "el", "fi", "go", "ha", "in",
                                             "jo", "ka", "li", "mo", "na", "or", "pe", "qu", "ra",
                                             "sa", "to", "um", "ve", "wi", "xa", "yo", "za"};
    std::mt19937 words(1);
    for (int i = 0; i < 20'000; ++i) {
      std::string word;
      for (auto n = 2 + words() % 3; n != 0; --n) word += syllables[words() % syllables.size()];
      words_.push_back(std::move(word));
    }
  }

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  /// The lower ones are drawn more often.
  std::string word(std::size_t of) {
    const double at = std::uniform_real_distribution<double>(0, 1)(random_);
    return words_[static_cast<std::size_t>(at * at * static_cast<double>(of))];
  }
  static std::string capital(std::string text) {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  }
  static std::string phone(std::uint64_t number) {
    const auto digits = std::to_string(1'000'000'000 + number * 7'919 % 8'999'999'999);
    return "+1 " + digits.substr(0, 3) + " 555 " + digits.substr(3);
  }
  static std::string email(std::uint64_t number) {
    return "person." + std::to_string(number) + "@example.com";
  }

  /// @returns an address as JSON
  std::string contact(std::uint64_t number) {
    const std::string given = capital(word(2'000));
    const std::string family = capital(word(words_.size()));
    return R"({"name":")" + given + " " + family + R"(","given":")" + given + R"(","family":")" +
           family + R"(","organization":")" + capital(word(5'000)) + R"( Ltd","emails":[")" +
           email(number) + R"("],"phones":[")" + phone(number) + R"("],"labels":[")" + word(50) +
           R"("],"addresses":[{"street":")" + std::to_string(1 + below(200)) + " " +
           capital(word(10'000)) + R"( Street","locality":")" + capital(word(500)) + R"("}]})";
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::string> words_;
};

}  // namespace bench
