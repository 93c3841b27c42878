#include <addrbook/server/listening.hpp>

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <string>
#include <system_error>
#include <vector>

using addrbook::detail::resolve;

TEST_CASE("listening: the addresses of a host, each once") {
  CHECK(resolve("127.0.0.1") == std::vector<std::string>{"127.0.0.1"});
  CHECK(resolve("127.1") == std::vector<std::string>{"127.0.0.1"});
  CHECK(resolve("::1") == std::vector<std::string>{"::1"});
  CHECK(resolve("/run/book.sock") == std::vector<std::string>{"/run/book.sock"});
  CHECK(resolve("LocalHost") == std::vector<std::string>{"127.0.0.1", "::1"});
}

TEST_CASE("listening: a host that is not known gives the resolver's reason") {
  std::string reason;
  try {
    static_cast<void>(resolve("256.256.256.256"));
  } catch (const std::system_error& error) {
    reason = error.what();
  }
  CHECK(reason == "can't listen on '256.256.256.256': Name or service not known");
}

TEST_CASE("listening: a process that may open hardly any file is told so") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit lower = before;
  lower.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  CHECK_NOTHROW(addrbook::detail::check_descriptor_limit());
  lower.rlim_cur = 63;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  CHECK_THROWS_AS(addrbook::detail::check_descriptor_limit(), std::system_error);
  ::setrlimit(RLIMIT_NOFILE, &before);
}
