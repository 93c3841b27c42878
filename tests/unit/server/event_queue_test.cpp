#include <addrbook/server/event_queue.hpp>

#include <doctest/doctest.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

using addrbook::detail::Descriptor;
using addrbook::detail::EventQueue;

namespace {

constexpr std::uint32_t edge = EPOLLIN | EPOLLET;
constexpr int at_once = 0;
constexpr int forever = -1;

/// Descriptors that have an event each time they are told to. Their handles are 0, 1, 2 and so on.
class Sources {
 public:
  Sources(EventQueue& queue, std::size_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      descriptors_.emplace_back(::eventfd(0, EFD_CLOEXEC));
      REQUIRE(queue.add(descriptors_.back().get(), i, edge));
    }
  }
  void signal(std::size_t which) const { ::eventfd_write(descriptors_[which].get(), 1); }
  void signal_all() const {
    for (const Descriptor& each : descriptors_) ::eventfd_write(each.get(), 1);
  }
  void close_all() { descriptors_.clear(); }

 private:
  std::vector<Descriptor> descriptors_;
};

std::uint64_t handle_of(const epoll_event& event) {
  return event.data.u64;
}

std::multiset<std::uint64_t> all_of(EventQueue& queue) {
  std::multiset<std::uint64_t> handles;
  for (epoll_event event{}; queue.next(event, at_once);) handles.insert(handle_of(event));
  return handles;
}

}  // namespace

TEST_CASE("an event queue gives each event once, in order") {
  EventQueue queue;
  REQUIRE(static_cast<bool>(queue));
  const Sources sources(queue, 20);
  epoll_event event{};
  CHECK_FALSE(queue.next(event, at_once));
  for (const std::size_t which : {2U, 0U, 1U}) sources.signal(which);
  for (const std::uint64_t which : {2U, 0U, 1U}) {
    REQUIRE(queue.next(event, at_once));
    CHECK(handle_of(event) == which);
    CHECK((std::uint32_t{event.events} & EPOLLIN) != 0);
  }
  CHECK_FALSE(queue.next(event, at_once));

  sources.signal_all();
  const auto handles = all_of(queue);
  CHECK(handles.size() == 20);
  CHECK(std::set<std::uint64_t>(handles.begin(), handles.end()).size() == 20);
}

TEST_CASE("an event queue fetches several events at once") {
  EventQueue queue;
  Sources sources(queue, EventQueue::batch + 2);
  sources.signal_all();
  epoll_event event{};
  REQUIRE(queue.next(event, at_once));
  sources.close_all();  // epoll forgets them; those that were fetched are still there
  CHECK(all_of(queue).size() == EventQueue::batch - 1);
}

TEST_CASE("an event queue changes what is watched") {
  EventQueue queue;
  const Descriptor source(::eventfd(1, EFD_CLOEXEC));
  REQUIRE(queue.add(source.get(), 5, edge));
  CHECK_FALSE(queue.add(source.get(), 5, edge));
  epoll_event event{};
  REQUIRE(queue.next(event, at_once));
  CHECK_FALSE(queue.next(event, at_once));
  REQUIRE(queue.modify(source.get(), 6, edge));
  REQUIRE(queue.next(event, at_once));
  CHECK(handle_of(event) == 6);
}

// A thread that takes one of several events may work on it for ever.
TEST_CASE("a thread that sleeps is woken for events that another one has fetched") {
  EventQueue queue;
  constexpr std::size_t count = EventQueue::batch;
  constexpr std::size_t thread_count = 3;
  const Sources sources(queue, count);
  constexpr std::uint64_t end = 1'000;
  const Descriptor end_source(::eventfd(0, EFD_CLOEXEC));
  REQUIRE(queue.add(end_source.get(), end, EPOLLIN));

  for (int round = 0; round < 200; ++round) {
    std::atomic<std::size_t> taken{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < thread_count; ++i) {
      threads.emplace_back([&, works_for_ever = i == 0] {
        for (epoll_event event{}; queue.next(event, forever) && event.data.u64 != end;) {
          ++taken;
          while (works_for_ever && taken.load() != count) std::this_thread::yield();
        }
      });
    }
    while (queue.waiting() != static_cast<int>(thread_count)) std::this_thread::yield();
    sources.signal_all();
    while (taken.load() != count) std::this_thread::yield();
    ::eventfd_write(end_source.get(), 1);
    for (std::thread& each : threads) each.join();
    std::uint64_t value = 0;
    REQUIRE(::read(end_source.get(), &value, sizeof value) == sizeof value);
    CHECK(all_of(queue).count(end) <= 1);
  }
}

TEST_CASE("threads that sleep are all woken where each event takes long") {
  EventQueue queue;
  constexpr std::size_t count = EventQueue::batch;
  const Sources sources(queue, count);
  for (int round = 0; round < 200; ++round) {
    std::atomic<std::size_t> taken{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([&] {
        epoll_event event{};
        if (!queue.next(event, forever)) return;
        ++taken;
        while (taken.load() != count) std::this_thread::yield();
      });
    }
    while (queue.waiting() != static_cast<int>(count)) std::this_thread::yield();
    sources.signal_all();
    for (std::thread& each : threads) each.join();
    CHECK(taken.load() == count);
  }
}
