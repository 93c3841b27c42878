#include <addrbook/base/descriptor.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <type_traits>
#include <utility>

using addrbook::detail::Descriptor;

namespace {

bool is_open(int descriptor) {
  return ::fcntl(descriptor, F_GETFD) >= 0;
}
int open_null() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace

TEST_CASE("descriptor: is closed with its owner") {
  int number = -1;
  {
    const Descriptor owner(open_null());
    number = owner.get();
    REQUIRE(owner);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("descriptor: moves with its ownership, and is never copied") {
  static_assert(!std::is_copy_constructible_v<Descriptor>);
  static_assert(!std::is_copy_assignable_v<Descriptor>);
  Descriptor first(open_null());
  const int number = first.get();
  Descriptor second(std::move(first));
  CHECK(second.get() == number);
  Descriptor third(open_null());
  const int replaced = third.get();
  third = std::move(second);
  CHECK(third.get() == number);
  CHECK_FALSE(is_open(replaced));
  CHECK(is_open(number));
}

TEST_CASE("descriptor: release gives up ownership") {
  Descriptor owner(open_null());
  const int number = owner.release();
  CHECK_FALSE(owner);
  owner.reset();
  CHECK(is_open(number));
  CHECK(::close(number) == 0);
}

TEST_CASE("descriptor: closing leaves errno as it is") {
  Descriptor owner(open_null());
  errno = ENOENT;
  owner.reset();
  CHECK(errno == ENOENT);
}
