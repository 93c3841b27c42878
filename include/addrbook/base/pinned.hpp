/// Pinned: a base for classes whose objects stay where they are made.
#pragma once

namespace addrbook::detail {

/// Makes a derived class neither copyable nor movable.
class Pinned {
 public:
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  Pinned(Pinned&&) = delete;
  Pinned& operator=(Pinned&&) = delete;

 protected:
  Pinned() = default;
  ~Pinned() = default;
};

}  // namespace addrbook::detail
