/// SqlSearch: answers queries from the indexes of an SQL database. Needs SOCI.
#pragma once

#include <addrbook/base/pinned.hpp>
#include <addrbook/contacts/identity.hpp>
#include <addrbook/contacts/terms.hpp>
#include <addrbook/document.hpp>
#include <addrbook/entry.hpp>
#include <addrbook/json/strings.hpp>
#include <addrbook/query.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/sort_token.hpp>
#include <addrbook/storage/sql_engine.hpp>
#include <addrbook/storage/sql_entry_row.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/store.hpp>

#include <soci/soci.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace addrbook::detail {

/// First finds where a page's entries stand, from indexes alone, then reads their documents. What
/// it holds in memory is a page. Throws what SOCI throws.
/// @par Thread safety  one thread at a time.
class SqlSearch : private Pinned {
 public:
  /// Both outlive this object.
  SqlSearch(const SqlEngine& engine, soci::session& session) : engine_(engine), session_(session) {}

  /// See Store::select(). In the caller's transaction.
  /// @param state   the book's
  /// @param query   has no ids
  /// @param search  of the query
  [[nodiscard]] QueryPage select(std::uint64_t book, const BookState& state, const Query& query,
                                 const Search& search, const std::optional<Position>& after,
                                 PageLimit limit);

  /// See Store::find_same(). In the caller's transaction.
  [[nodiscard]] std::vector<std::optional<SameEntry>> find_same(
      std::uint64_t book, const std::vector<Identity>& identities);

  /// @param search  not empty
  [[nodiscard]] std::uint64_t count(std::uint64_t book, const Search& search);

 private:
  using Integer = SqlTables::Integer;
  using Phones = TermQuery::Phones;

  struct Hit {
    Integer key = 0;
    Position position;
  };
  /// A statement, with what it reads from and writes to.
  struct Statement {
    explicit Statement(soci::session& session) : statement(session) {}

    std::string words;
    std::string exact;
    std::string text;
    std::string end;
    Integer book = 0;
    Integer first = 0;  // keys, and what lies outside is left out with the bounds themselves
    Integer last = 0;
    Integer number = 0;
    Integer rows = 0;
    Integer key = 0;
    std::string found_text;
    Integer is_absent = 0;
    Integer found_number = 0;
    soci::statement statement;
  };
  /// A run of a query's entries: its statement can go through them by one index.
  struct Run {
    enum class Part {
      all,
      same_text,   ///< as the position
      other_text,  ///< behind that of the position
      no_text,
      ordered,  ///< all, by the database's table of orders
    };
    const Query& query;
    std::uint64_t book;
    const TermQuery* terms = nullptr;  // null: nothing is asked for
    bool is_suffix = false;
    const Position* after = nullptr;
    Part part = Part::all;
  };

  void find(std::uint64_t book, const Query& query, const Search& search,
            const std::optional<Position>& after, std::size_t wanted, std::vector<Hit>& hits);
  void find(const Run& run, std::size_t wanted, std::vector<Hit>& hits);
  using Wanted = std::unordered_map<Identity, std::optional<SameEntry>, Identity::Hash>;
  void find_same(std::uint64_t book, const Identity* first, const Identity* last, Wanted& wanted);
  [[nodiscard]] std::string sql_of(const Run& run) const;
  [[nodiscard]] std::string condition_of(const TermQuery& terms) const;
  [[nodiscard]] std::string found_by(const std::string& condition,
                                     const std::string& column = "") const;
  [[nodiscard]] std::string found_soon_by(const std::string& condition, const std::string& in_range,
                                          const std::string& direction) const;
  [[nodiscard]] Statement& statement_of(const std::string& sql);
  template <class Take>
  void read(const Hit* first, const Hit* last, std::size_t bytes, Take take);

  [[nodiscard]] static const char* column_of(Query::Sort sort) {
    switch (sort) {
      case Query::Sort::name: return "addrbook_search.name";
      case Query::Sort::given: return "addrbook_search.given";
      case Query::Sort::family: return "addrbook_search.family";
      case Query::Sort::created:
      case Query::Sort::updated: break;
    }
    return nullptr;
  }
  static std::string comparable(std::string_view text);

  const SqlEngine& engine_;
  soci::session& session_;
  std::map<std::string, std::unique_ptr<Statement>> statements_;

  // What the statement that reads documents reads from and writes to.
  std::unique_ptr<soci::statement> entries_;
  std::string keys_;
  Integer bytes_ = 0;
  SqlEntryRow row_;
};

// ---------------------------------------------------------------------------------------------

inline QueryPage SqlSearch::select(std::uint64_t book, const BookState& state, const Query& query,
                                   const Search& search, const std::optional<Position>& after,
                                   PageLimit limit) {
  QueryPage page;
  page.state = state;
  if (search.is_void) return page;
  constexpr std::size_t max_hits = 1000;
  std::optional<Position> last = after;
  std::size_t bytes = 0;
  std::vector<Hit> hits;
  while (true) {
    // One more, to see whether there are more.
    const std::size_t wanted = (std::min)(limit.entries - page.entries.size(), max_hits) + 1;
    hits.clear();
    find(book, query, search, last, wanted, hits);
    bool is_full = false;
    for (std::size_t i = 0; i < hits.size() && !is_full;) {
      const std::size_t at_once = engine_.is_remote() ? hits.size() : 1;
      const std::size_t end = (std::min)(i + at_once, hits.size());
      const std::size_t room = limit.bytes - (std::min)(bytes, limit.bytes);
      read(&hits[i], hits.data() + end, room, [&](const Hit& hit) {
        const std::size_t size = row_.document.size();
        is_full = is_full || (!page.entries.empty() &&
                              (page.entries.size() >= limit.entries || bytes + size > limit.bytes));
        if (is_full) return;
        bytes += size;
        page.entries.push_back(row_.entry(state.epoch));
        page.next = hit.position;
      });
      i = end;
    }
    if (is_full) return page;
    if (hits.size() < wanted) break;
    last = hits.back().position;
  }
  page.next.reset();
  return page;
}

inline void SqlSearch::find(std::uint64_t book, const Query& query, const Search& search,
                            const std::optional<Position>& after, std::size_t wanted,
                            std::vector<Hit>& hits) {
  const bool by_text = column_of(query.sort) != nullptr;
  for (const bool is_suffix : {false, true}) {
    if (is_suffix && !TermQuery::has_suffixes(search)) return;
    if (after && after->is_suffix && !is_suffix) continue;
    std::optional<TermQuery> terms;
    if (!search.is_empty()) {
      terms.emplace(book, search, is_suffix ? Phones::suffix : Phones::equal,
                    engine_.texts().syntax);
    }
    Run run{query, book, terms ? &*terms : nullptr, is_suffix};
    if (after && after->is_suffix == is_suffix) run.after = &*after;
    using Part = Run::Part;
    const auto find_in = [&](Part part) {
      if (hits.size() >= wanted) return;
      run.part = part;
      find(run, wanted - hits.size(), hits);
    };
    if (!by_text || terms) {
      find_in(Part::all);
    } else if (!engine_.texts().order.empty()) {
      find_in(Part::ordered);
    } else {
      const bool is_behind_texts = run.after != nullptr && run.after->is_absent;
      if (run.after != nullptr && !is_behind_texts) find_in(Part::same_text);
      if (!is_behind_texts) find_in(Part::other_text);
      if (!is_behind_texts) run.after = nullptr;
      find_in(Part::no_text);
    }
    if (hits.size() >= wanted) return;
  }
}

inline std::string SqlSearch::condition_of(const TermQuery& terms) const {
  const SqlTexts& texts = engine_.texts();
  if (terms.words.empty()) return texts.has_exact;
  return terms.exact.empty() ? texts.has_words : texts.has_both;
}

// A database that guesses sees `ORDER BY key LIMIT n`, and walks through the book in that order
// until n entries meet the condition: through all of it, if they are few. Here the condition stands
// alone, and MATERIALIZED keeps it so: nothing but the index of tokens serves it. The result has
// the table's name, and takes its place in the rest of the statement.
/// @param column  what is needed of the table beside the key, or ""
/// @returns the beginning of a statement, in which `found` has all that meet the condition
inline std::string SqlSearch::found_by(const std::string& condition,
                                       const std::string& column) const {
  const SqlTexts& texts = engine_.texts();
  return "WITH found AS MATERIALIZED (SELECT " + texts.found_key +
         (column.empty() ? "" : ", " + column) + " FROM " + texts.found + " WHERE " + condition +
         ") ";
}

// A beginning of a word, or a label, may be that of half the book, and takes 2 or 3 us for each
// entry that has it, if all are found. Then the walk is the better way: it soon has as many as are
// wanted. So it comes first, but through no more than 50 entries for each one that is wanted, at
// 0.3 us or more each: for what is rare they are read in vain.
/// @returns the same, but `found` may lack those that come behind the first `:rows` in range
inline std::string SqlSearch::found_soon_by(const std::string& condition,
                                            const std::string& in_range,
                                            const std::string& direction) const {
  const SqlTexts& texts = engine_.texts();
  const std::string& key = texts.found_key;
  const std::string order = " ORDER BY " + key + direction + " LIMIT ";
  const std::string next = "(SELECT * FROM " + texts.found + " WHERE " + in_range + order +
                           "LEAST(50 * :rows, 10000)) AS " + texts.found;
  const std::string select = "SELECT " + key + " FROM ";
  return "WITH soon AS MATERIALIZED (" + select + next + " WHERE " + condition + order +
         ":rows), found AS MATERIALIZED (SELECT key FROM soon WHERE (SELECT COUNT(*) FROM soon) = "
         ":rows UNION ALL " +
         select + texts.found + " WHERE " + condition +
         " AND (SELECT COUNT(*) FROM soon) < :rows) ";
}

// Without a condition on tokens, the order is that of an index: of the keys; of addrbook_revisions;
// of those of addrbook_search, or of the tokens. With one, all that meet it are sorted, unless the
// order is that of the keys.
inline std::string SqlSearch::sql_of(const Run& run) const {
  using Part = Run::Part;
  const SqlTexts& texts = engine_.texts();
  const std::string column = [&] {
    const char* const name = column_of(run.query.sort);
    return std::string(name == nullptr ? "" : name);
  }();
  const bool by_revision = run.query.sort == Query::Sort::updated;
  const std::string direction = run.query.descending ? " DESC" : "";
  const std::string behind = run.query.descending ? " < " : " > ";
  const std::string table = by_revision ? "addrbook_entries" : "addrbook_search";
  const std::string key = run.terms != nullptr ? texts.found_key : table + ".key";
  const std::string in_range = key + " > :first AND " + key + " < :last";
  std::string with;
  std::string from = table;
  std::string where;
  const auto require = [&where](const std::string& condition) {
    where += (where.empty() ? " WHERE " : " AND ") + condition;
  };
  if (run.terms != nullptr) {
    const std::string condition = condition_of(*run.terms);
    const bool by_key = !by_revision && column.empty();
    from = texts.found;
    if (!texts.guesses_plans) {
      require(condition);
    } else {
      with = by_key && !run.terms->is_narrow ? found_soon_by(condition, in_range, direction)
                                             : found_by(condition, column);
      from = "found AS " + texts.found;
    }
    if (table != texts.found && !by_key) {
      from += " CROSS JOIN " + table;  // in this order
      require(table + ".key = " + key);
    }
  } else if (run.part == Part::ordered) {
    from = texts.order + " CROSS JOIN " + table;
    require("term > :text AND term < :end AND " + key + " = doc");
  } else if (by_revision || !column.empty()) {
    require(key + " >> 40 = :book");
  }
  std::string found = "'', 0, 0";
  std::string order = key + direction;
  if (by_revision) {
    found = "'', 0, revision";
    order = "revision" + direction;
    require("revision" + behind + ":number");
  } else if (column.empty()) {
    require(in_range);
  } else {
    const std::string is_absent = "CASE WHEN " + column + " IS NULL THEN 1 ELSE 0 END";
    found = "COALESCE(" + column + ", ''), " + is_absent + ", 0";
    const std::string by_text = column + direction + ", " + order;
    switch (run.part) {
      case Part::all:
        if (run.after == nullptr) {
        } else if (run.after->is_absent) {
          require(column + " IS NULL AND " + in_range);
        } else {
          require("(" + column + " IS NULL OR " + column + behind + ":text OR (" + column +
                  " = :text AND " + in_range + "))");
        }
        order = is_absent + ", " + by_text;
        break;
      case Part::same_text: require(column + " = :text AND " + in_range); break;
      case Part::other_text:
        // No text is empty.
        require(column + (run.after == nullptr ? " > ''" : behind + ":text"));
        order = by_text;
        break;
      case Part::no_text: require(column + " IS NULL AND " + in_range); break;
      case Part::ordered: order = "term"; break;
    }
  }
  return with + "SELECT " + key + ", " + found + " FROM " + from + where + " ORDER BY " + order +
         " LIMIT :rows";
}

inline SqlSearch::Statement& SqlSearch::statement_of(const std::string& sql) {
  auto& known = statements_[sql];
  if (known) return *known;
  auto made = std::make_unique<Statement>(session_);
  const auto use = [&](const char* name, auto& value) {
    if (sql.find(std::string(":") + name) != std::string::npos) {
      made->statement.exchange(soci::use(value, name));
    }
  };
  use("words", made->words);
  use("exact", made->exact);
  use("text", made->text);
  use("end", made->end);
  use("book", made->book);
  use("first", made->first);
  use("last", made->last);
  use("number", made->number);
  use("rows", made->rows);
  made->statement.exchange(soci::into(made->key));
  if (sql.find("COUNT(*)") == std::string::npos) {
    made->statement.exchange(soci::into(made->found_text));
    made->statement.exchange(soci::into(made->is_absent));
    made->statement.exchange(soci::into(made->found_number));
  }
  made->statement.alloc();
  made->statement.prepare(sql);
  made->statement.define_and_bind();
  known = std::move(made);
  return *known;
}

inline void SqlSearch::find(const Run& run, std::size_t wanted, std::vector<Hit>& hits) {
  Statement& statement = statement_of(sql_of(run));
  if (run.terms != nullptr) {
    statement.words = run.terms->words;
    statement.exact = run.terms->exact;
  }
  statement.book = SqlTables::to_integer(run.book);
  statement.first = SqlTables::key_of(run.book, 0);
  statement.last = SqlTables::key_of(run.book + 1, 0);
  const bool is_descending = run.query.descending;
  statement.number = is_descending ? (std::numeric_limits<Integer>::max)() : 0;
  if (run.after != nullptr) {
    statement.text = comparable(run.after->text);
    statement.number = SqlTables::to_integer(run.after->number);
    const auto key =
        SqlTables::key_of(run.book, (std::min)(run.after->number, SqlTables::max_created));
    (is_descending ? statement.last : statement.first) = key;
  }
  if (run.part == Run::Part::ordered) {
    const SortToken tokens(run.book, run.query.sort, is_descending);
    statement.text = tokens.before_all();
    statement.end = tokens.behind_all();
    if (run.after != nullptr) {
      const auto text =
          run.after->is_absent ? std::nullopt : std::optional(comparable(run.after->text));
      statement.text = tokens.of(text, (std::min)(run.after->number, SqlTables::max_created));
    }
  }
  statement.rows = SqlTables::to_integer(wanted);
  constexpr bool with_bindings = true;
  for (bool is_row = statement.statement.execute(with_bindings); is_row;
       is_row = statement.statement.fetch()) {
    Hit hit{statement.key, {}};
    hit.position.is_suffix = run.is_suffix;
    hit.position.is_absent = statement.is_absent != 0;
    hit.position.text = statement.found_text;
    hit.position.number = run.query.sort == Query::Sort::updated
                              ? SqlTables::from_integer(statement.found_number)
                              : SqlTables::created_of(statement.key);
    hits.push_back(std::move(hit));
  }
}

/// Reads the entries of hits in their order, until their documents have more than `bytes`; some may
/// be gone.
template <class Take>
void SqlSearch::read(const Hit* first, const Hit* last, std::size_t bytes, Take take) {
  if (!entries_) {
    auto made = std::make_unique<soci::statement>(
        (session_.prepare << engine_.texts().entries, soci::into(row_.id), soci::into(row_.key),
         soci::into(row_.revision), soci::into(row_.created_at), soci::into(row_.updated_at),
         soci::into(row_.document), soci::use(keys_, "keys"), soci::use(bytes_, "bytes")));
    entries_ = std::move(made);
  }
  bytes_ = SqlTables::to_integer(bytes);
  keys_ = engine_.is_remote() ? "{" : "";
  for (const Hit* hit = first; hit != last; ++hit) {
    keys_ += (hit == first ? "" : ",") + std::to_string(hit->key);
  }
  if (engine_.is_remote()) keys_ += '}';
  constexpr bool with_bindings = true;
  const Hit* hit = first;
  for (bool is_row = entries_->execute(with_bindings); is_row; is_row = entries_->fetch()) {
    while (hit->key != row_.key) ++hit;
    take(*hit);
  }
}

inline std::uint64_t SqlSearch::count(std::uint64_t book, const Search& search) {
  if (search.is_void) return 0;
  const TermQuery terms(book, search, Phones::all, engine_.texts().syntax);
  Statement& statement = statement_of("SELECT COUNT(*) FROM " + engine_.texts().found + " WHERE " +
                                      condition_of(terms));
  statement.words = terms.words;
  statement.exact = terms.exact;
  constexpr bool with_bindings = true;
  statement.statement.execute(with_bindings);
  const auto count = SqlTables::from_integer(statement.key);
  while (statement.statement.fetch()) {
  }
  return count;
}

inline std::vector<std::optional<SameEntry>> SqlSearch::find_same(
    std::uint64_t book, const std::vector<Identity>& identities) {
  constexpr std::size_t at_once = 100;
  Wanted wanted;
  for (const Identity& identity : identities) wanted.emplace(identity, std::nullopt);
  for (std::size_t i = 0; i < identities.size(); i += at_once) {
    const Identity* const first = &identities[i];
    find_same(book, first, first + (std::min)(at_once, identities.size() - i), wanted);
  }
  std::vector<std::optional<SameEntry>> found;
  found.reserve(identities.size());
  for (const Identity& identity : identities) found.push_back(wanted.find(identity)->second);
  return found;
}

// Of several entries with one identity the oldest one counts. There may be so many of them that
// they are not read all at once, nor further than is needed.
inline void SqlSearch::find_same(std::uint64_t book, const Identity* first, const Identity* last,
                                 Wanted& wanted) {
  const Query by_creation;
  const TermQuery terms(book, first, last, engine_.texts().syntax);
  Run run{by_creation, book, &terms};
  constexpr std::size_t rows = 200;
  const auto is_found = [&wanted](const Identity& identity) {
    return wanted.find(identity)->second.has_value();
  };
  std::optional<Position> after;
  std::vector<Hit> hits;
  do {
    hits.clear();
    find(run, rows, hits);
    const std::size_t at_once = engine_.is_remote() ? hits.size() : 1;
    for (std::size_t i = 0; i < hits.size();) {
      // A part, if all of them are too large for memory.
      constexpr std::size_t max_bytes = std::size_t{1024} * 1024;
      std::size_t done = i;
      read(&hits[i], hits.data() + (std::min)(i + at_once, hits.size()), max_bytes,
           [&](const Hit& hit) {
             done = static_cast<std::size_t>(&hit - hits.data()) + 1;
             const auto at = wanted.find(identity_of(Document::trusted(row_.document)));
             if (at == wanted.end() || at->second) return;
             at->second = SameEntry{row_.id, SqlTables::from_integer(row_.revision)};
           });
      i = (std::max)(done, i + 1);
    }
    if (!hits.empty()) run.after = &after.emplace(hits.back().position);
  } while (hits.size() == rows && !std::all_of(first, last, is_found));
}

// A position comes from outside, and a database may refuse what is not UTF-8.
inline std::string SqlSearch::comparable(std::string_view text) {
  std::string result;
  while (!text.empty() && text.front() != '\0') {
    const Utf8Sequence next = first_utf8_sequence(text);
    if (!next.is_well_formed) break;
    result += text.substr(0, next.size);
    text.remove_prefix(next.size);
  }
  return result;
}

}  // namespace addrbook::detail
