/// RevisionPoll: finds out what other processes have written. Knows no database. POSIX.
#pragma once

#include <addrbook/base/blocked_signals.hpp>
#include <addrbook/base/pinned.hpp>
#include <addrbook/query.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// Asks for the states of all books that somebody follows, every 250 ms while there are any.
/// @par Thread safety  any thread
class RevisionPoll : private Pinned {
 public:
  /// @returns the states of the books that there are. What it throws is taken for no answer
  using Ask =
      std::function<std::map<std::uint64_t, BookState>(const std::vector<std::uint64_t>& books)>;
  /// Is told each new state; nothing: the book is gone.
  using Tell = std::function<void(const std::optional<BookState>&)>;
  using Follower = std::uint64_t;

  static constexpr std::chrono::milliseconds usual_interval{250};

  explicit RevisionPoll(Ask ask, std::chrono::milliseconds interval = usual_interval)
      : shared_(std::make_shared<Shared>(std::move(ask), interval)) {}
  ~RevisionPoll() {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->is_ended = true;
      shared_->changed.notify_all();
    }
    // Whoever was told may have been the last that used the database.
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else if (thread_.joinable()) {
      thread_.join();
    }
  }

  /// If there can be no thread, nobody is told anything until the next call.
  /// @param tell  must not keep the owner of this object; a call may be running after remove()
  Follower add(std::uint64_t book, Tell tell) {
    const std::lock_guard lock(shared_->mutex);
    shared_->followers[++last_] = {book, std::make_shared<const Tell>(std::move(tell)), {}};
    shared_->changed.notify_all();
    if (thread_.joinable()) return last_;
    try {
      const BlockedSignals inherited_by_the_thread;
      thread_ = std::thread([shared = shared_] { shared->run(); });
    } catch (const std::system_error&) {
    }
    return last_;
  }
  void remove(Follower follower) noexcept {
    const std::lock_guard lock(shared_->mutex);
    shared_->followers.erase(follower);
  }

 private:
  struct Followed {
    std::uint64_t book = 0;
    std::shared_ptr<const Tell> tell;
    std::optional<std::optional<BookState>> told;
  };
  struct Shared {
    Shared(Ask how, std::chrono::milliseconds every) : ask(std::move(how)), interval(every) {}

    void run() noexcept;
    void poll();

    const Ask ask;
    const std::chrono::milliseconds interval;
    std::mutex mutex;
    std::condition_variable changed;
    std::map<Follower, Followed> followers;
    bool is_ended = false;
  };

  const std::shared_ptr<Shared> shared_;
  Follower last_ = 0;
  std::thread thread_;
};

// ---------------------------------------------------------------------------------------------

inline void RevisionPoll::Shared::run() noexcept {
  std::unique_lock lock(mutex);
  while (!is_ended) {
    if (followers.empty()) {
      changed.wait(lock);
      continue;
    }
    lock.unlock();
    try {
      poll();
    } catch (const std::exception&) {  // whoever needs the storage sees by himself that it fails
    }
    lock.lock();
    changed.wait_for(lock, interval, [this] { return is_ended; });
  }
}

inline void RevisionPoll::Shared::poll() {
  std::vector<std::uint64_t> books;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [follower, followed] : followers) books.push_back(followed.book);
  }
  std::sort(books.begin(), books.end());
  books.erase(std::unique(books.begin(), books.end()), books.end());
  const auto states = ask(books);

  std::vector<std::pair<std::shared_ptr<const Tell>, std::optional<BookState>>> calls;
  {
    const std::lock_guard lock(mutex);
    for (auto& [follower, followed] : followers) {
      // One that has come meanwhile was not asked for.
      if (!std::binary_search(books.begin(), books.end(), followed.book)) continue;
      const auto found = states.find(followed.book);
      const auto now = found == states.end() ? std::nullopt : std::optional(found->second);
      const auto key = [](const std::optional<BookState>& state) {
        return state ? std::optional(std::pair(state->epoch, state->revision)) : std::nullopt;
      };
      if (followed.told && key(*followed.told) == key(now)) continue;
      followed.told = now;
      calls.emplace_back(followed.tell, now);
    }
  }
  for (const auto& [tell, state] : calls) (*tell)(state);
}

}  // namespace addrbook::detail
