/// SqlPool: the connections to a database, opened when they are needed. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/base/waiting.hpp>
#include <addrbook/error.hpp>
#include <addrbook/storage/sql_connection.hpp>
#include <addrbook/storage/sql_engine.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// @par Thread safety  any thread.
class SqlPool : private Pinned {
 public:
  using Clock = SqlEngine::Clock;

  /// @param capacity  the maximum number of connections, at least 1
  /// @param wait      for whatever a connection is needed for
  SqlPool(SqlEngine& engine, std::size_t capacity, std::chrono::milliseconds wait)
      : engine_(engine), capacity_((std::max)(capacity, std::size_t{1})), wait_(wait) {
    idle_.reserve(capacity_);  // so that give_back() can't fail
  }

  /// A connection in use; goes back to the pool with this object.
  class Lease : private Pinned {
   public:
    Lease(SqlPool& pool, std::unique_ptr<SqlConnection> connection, std::uint64_t generation)
        : pool_(pool), connection_(std::move(connection)), generation_(generation) {}
    ~Lease() { pool_.give_back(std::move(connection_), generation_); }

    SqlConnection& operator*() const noexcept { return *connection_; }
    SqlConnection* operator->() const noexcept { return connection_.get(); }
    /// Closes the connection, which must not be used after that.
    void discard() noexcept { connection_.reset(); }

   private:
    SqlPool& pool_;
    std::unique_ptr<SqlConnection> connection_;
    std::uint64_t generation_;
  };

  /// When what begins now must have ended, with all its waits.
  [[nodiscard]] Clock::time_point deadline() const { return Clock::now() + wait_; }

  /// @param deadline  for a connection to come free, or to be opened
  /// @throws Error{storage} if none can be opened, or none is given back in time
  [[nodiscard]] Lease take(Clock::time_point deadline);

  /// Exists while a query of unknown length works. Half of the connections, at least one, are for
  /// others.
  class Search : private Pinned {
   public:
    /// @throws Error{busy} if there are too many until the deadline
    Search(SqlPool& pool, Clock::time_point deadline) : pool_(pool) {
      std::unique_lock lock(pool_.mutex_);
      const auto is_free = [&] {
        return pool_.searches_ < (std::max)(pool_.capacity_ / 2, std::size_t{1});
      };
      if (!is_free()) {
        const Waiting waiting;
        if (!pool_.search_ended_.wait_until(lock, deadline, is_free)) {
          throw Error(Errc::busy, "Too many searches at once");
        }
      }
      ++pool_.searches_;
    }
    ~Search() {
      const std::lock_guard lock(pool_.mutex_);
      --pool_.searches_;
      pool_.search_ended_.notify_one();
    }

   private:
    SqlPool& pool_;
  };

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// @returns how many connections are taken now
  [[nodiscard]] std::size_t in_use() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

  /// Closes all connections that exist now: idle ones at once, others when they are given back.
  void discard_all();

 private:
  std::unique_ptr<SqlConnection> open(Clock::time_point deadline);
  void give_back(std::unique_ptr<SqlConnection> connection, std::uint64_t generation) noexcept;

  // After a failure nothing tries to connect for this time: a thousand attempts at once would slow
  // down a database that is just starting.
  static constexpr auto pause_after_failure = std::chrono::milliseconds(100);

  SqlEngine& engine_;
  const std::size_t capacity_;
  const std::chrono::milliseconds wait_;
  mutable std::mutex mutex_;
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<SqlConnection>> idle_;  // the one given back last is taken next
  std::size_t taken_ = 0;
  std::condition_variable search_ended_;
  std::size_t searches_ = 0;
  std::uint64_t generation_ = 0;
  Clock::time_point next_try_{};
};

// ---------------------------------------------------------------------------------------------

inline SqlPool::Lease SqlPool::take(Clock::time_point deadline) {
  std::unique_ptr<SqlConnection> connection;
  std::uint64_t generation = 0;
  {
    std::unique_lock lock(mutex_);
    const auto is_free = [this] { return taken_ < capacity_; };
    if (!is_free()) {
      const Waiting waiting;
      if (!given_back_.wait_until(lock, deadline, is_free)) {
        throw Error(Errc::storage, engine_.name() + ": all " + std::to_string(capacity_) +
                                       " connections have been in use for " +
                                       std::to_string(wait_.count()) + " ms");
      }
    }
    if (idle_.empty() && Clock::now() < next_try_) {
      given_back_.notify_one();  // the wake-up that this thread consumed
      throw Error(Errc::storage, engine_.name() + ": couldn't be opened a moment ago");
    }
    ++taken_;
    generation = generation_;
    if (!idle_.empty()) {
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!connection) connection = open(deadline);
  return {*this, std::move(connection), generation};
}

// Opens a connection for a caller that is counted in `taken_` already.
inline std::unique_ptr<SqlConnection> SqlPool::open(Clock::time_point deadline) {
  // Otherwise a failure tells nothing about the database.
  const bool has_time = deadline - Clock::now() > pause_after_failure;
  try {
    const Waiting waiting;
    auto session = engine_.connect(deadline);
    const auto watch = engine_.watch(*session, deadline);
    return std::make_unique<SqlConnection>(engine_, std::move(session));
  } catch (...) {
    {
      const std::lock_guard lock(mutex_);
      --taken_;
      given_back_.notify_one();
      if (has_time) next_try_ = Clock::now() + pause_after_failure;
    }
    try {
      throw;
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Error(Errc::storage, engine_.name() + ": can't be opened: " +
                                     engine_.lateness(deadline) + reason_of(error));
    }
  }
}

inline void SqlPool::give_back(std::unique_ptr<SqlConnection> connection,
                               std::uint64_t generation) noexcept {
  const std::lock_guard lock(mutex_);
  --taken_;
  if (connection && generation == generation_) idle_.push_back(std::move(connection));
  given_back_.notify_one();
}

inline void SqlPool::discard_all() {
  std::vector<std::unique_ptr<SqlConnection>> discarded;
  const std::lock_guard lock(mutex_);
  ++generation_;
  discarded.swap(idle_);
}

}  // namespace addrbook::detail
