#include <addrbook/rest/access.hpp>

#include <addrbook/error.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using addrbook::Access;
using addrbook::AccessRequest;
using addrbook::Action;
using addrbook::Errc;
using addrbook::Error;
using addrbook::detail::ask_access;
using addrbook::detail::check_access;
using addrbook::detail::HttpError;

namespace {

int status_of(Access access) {
  try {
    check_access(access);
  } catch (const HttpError& error) {
    return error.status();
  } catch (const Error& error) {
    CHECK(error.code() == Errc::internal);
    return 500;
  }
  return 200;
}

}  // namespace

TEST_CASE("access: the program is asked, if it has a say") {
  addrbook::Options options;
  const addrbook::Request request;
  CHECK(ask_access(options, {Action::manage, "", request, "ada"}).verdict ==
        Access::Verdict::allowed);
  options.authorize = [](const AccessRequest& asked) {
    if (asked.book == "fails") throw std::runtime_error("secret");
    return asked.book == "ada" ? Access::allow("ada") : Access::forbid("ada", "not yours");
  };
  CHECK(ask_access(options, {Action::read, "", request, "ada"}).user == "ada");
  CHECK(ask_access(options, {Action::read, "", request}).verdict == Access::Verdict::forbidden);
  CHECK_THROWS_WITH_AS(static_cast<void>(ask_access(options, {Action::read, "", request, "fails"})),
                       "the authorisation failed", Error);
}

TEST_CASE("access: each verdict has its status") {
  CHECK(status_of(Access::allow()) == 200);
  CHECK(status_of(Access::forbid()) == 403);
  CHECK(status_of(Access::unauthenticated()) == 401);
  CHECK(status_of(Access::unauthenticated("a\r\nb")) == 500);
  CHECK(status_of(Access::unauthenticated("")) == 500);
}

TEST_CASE("access: which actions write") {
  for (const Action action : {Action::create, Action::update, Action::remove, Action::manage}) {
    CHECK(addrbook::is_write(action));
  }
  CHECK_FALSE(addrbook::is_write(Action::read));
  CHECK_FALSE(addrbook::is_write(Action::observe));
}
