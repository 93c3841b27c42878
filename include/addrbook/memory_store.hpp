/// MemoryStore: a Store that lives and dies with the process.
#pragma once

#include <addrbook/store.hpp>

#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace addrbook {

/// Keeps entries in ordered maps: no choice of ids makes it slow, and no growth stalls it.
/// @par Cost  find, commit: O(log n) an id. About 350 bytes an entry beside its text.
class MemoryStore final : public Store {
 public:
  CommitResult commit(std::vector<Write> batch) override;
  [[nodiscard]] std::optional<Entry> find(std::string_view id) const override;
  [[nodiscard]] Page page(std::uint64_t after, PageLimit limit) const override;
  [[nodiscard]] Head head() const override;

 private:
  using ById = std::map<std::string, Entry, std::less<>>;
  using ByCreated = std::map<std::uint64_t, const Entry*>;

  [[nodiscard]] Head locked_head() const { return {epoch_, revision_, by_id_.size()}; }

  const std::string epoch_ = detail::hex(detail::random_bits());
  mutable std::shared_mutex mutex_;
  std::uint64_t revision_ = 0;
  ById by_id_;
  ByCreated by_created_;
};

// ---------------------------------------------------------------------------------------------

inline CommitResult MemoryStore::commit(std::vector<Write> batch) {
  check_ids(batch);
  const std::unique_lock lock(mutex_);
  CommitResult result;
  result.base = revision_;

  struct Step {
    ById::iterator at;
    ById::node_type entry;         // the new entry, where there is one
    ByCreated::node_type created;  // likewise
  };
  std::vector<Step> steps;
  steps.reserve(batch.size());
  // All that can fail for lack of memory happens in this loop, before the first change.
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Write& write = batch[i];
    Step& step = steps.emplace_back();
    step.at = by_id_.find(write.id);
    const bool present = step.at != by_id_.end();
    if (!write.condition.holds(present ? std::optional(step.at->second.revision) : std::nullopt)) {
      result.refused = i;
      return result;
    }
    if (write.document && !present) {
      const std::uint64_t created = result.base + 1 + i;
      ById made;
      const auto at =
          made.emplace(write.id, Entry{write.id, created, created, std::move(*write.document)})
              .first;
      ByCreated made_created{{created, &at->second}};
      step.entry = made.extract(at);
      step.created = made_created.extract(made_created.begin());
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Step& step = steps[i];
    ++revision_;
    if (step.entry) {
      by_id_.insert(std::move(step.entry));
      by_created_.insert(by_created_.end(), std::move(step.created));
    } else if (step.at != by_id_.end() && batch[i].document) {
      step.at->second.document = std::move(*batch[i].document);
      step.at->second.revision = revision_;
    } else if (step.at != by_id_.end()) {
      by_created_.erase(step.at->second.created);
      by_id_.erase(step.at);
    }
  }
  return result;
}

inline std::optional<Entry> MemoryStore::find(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return std::nullopt;
  return at->second;
}

inline Page MemoryStore::page(std::uint64_t after, PageLimit limit) const {
  Page page;
  page.entries.reserve((std::min)(limit.entries, PageLimit{}.entries));
  std::size_t bytes = 0;
  const std::shared_lock lock(mutex_);
  page.head = locked_head();
  for (auto at = by_created_.upper_bound(after); at != by_created_.end(); ++at) {
    const Entry& entry = *at->second;
    bytes += entry.document.text().size();
    if (!page.entries.empty() && (page.entries.size() >= limit.entries || bytes > limit.bytes)) {
      page.more = true;
      break;
    }
    page.entries.push_back(entry);
  }
  return page;
}

inline Head MemoryStore::head() const {
  const std::shared_lock lock(mutex_);
  return locked_head();
}

}  // namespace addrbook
