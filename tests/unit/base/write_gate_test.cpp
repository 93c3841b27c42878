#include <addrbook/base/write_gate.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using addrbook::detail::WriteGate;

TEST_CASE("WriteGate: closed and open again") {
  WriteGate gate;
  CHECK(gate.is_open());
  gate.close();
  CHECK_FALSE(gate.is_open());
  gate.open();
  CHECK(gate.is_open());
}

TEST_CASE("WriteGate: close() waits for those that have passed") {
  WriteGate gate;
  std::atomic<bool> is_closed{false};
  std::thread closer;
  {
    const auto passed = gate.pass();
    closer = std::thread([&] {
      gate.close();
      is_closed = true;
    });
    while (gate.is_open()) std::this_thread::yield();
    CHECK_FALSE(is_closed);
  }
  closer.join();
  CHECK(is_closed);
}
