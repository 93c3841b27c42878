/// SqliteIndex: the terms of entries in SQLite's FTS5. Needs SOCI.
#pragma once

#include <addrbook/query.hpp>
#include <addrbook/storage/index_terms.hpp>
#include <addrbook/storage/sort_token.hpp>
#include <addrbook/storage/sql_tables.hpp>
#include <addrbook/storage/sql_writer.hpp>

#include <soci/soci.h>

#include <memory>
#include <string>
#include <vector>

namespace addrbook::detail {

/// The table keeps which entries have a token, and nothing else (content='', detail=none,
/// columnsize=0; sqlite.org/fts5.html, 4). A row's number is the entry's key. To take a row out, it
/// must be told what was put in. addrbook_order reads the tokens in the order of their bytes.
class SqliteIndex final : public SqlIndex {
 public:
  explicit SqliteIndex(soci::session& session) : session_(session) {}

  void add(Integer key, const IndexTerms& terms) override {
    run(add_, "INSERT INTO addrbook_terms (rowid, words, exact) VALUES (:key, :words, :exact)", key,
        terms);
  }
  void remove(Integer key, const IndexTerms& terms) override {
    run(remove_,
        "INSERT INTO addrbook_terms (addrbook_terms, rowid, words, exact) "
        "VALUES ('delete', :key, :words, :exact)",
        key, terms);
  }

  /// @returns the statements that make the table
  [[nodiscard]] static std::vector<std::string> table() {
    return {
        "CREATE VIRTUAL TABLE addrbook_terms USING fts5 (words, exact, content='', "
        "detail=none, columnsize=0, tokenize=\"ascii tokenchars '" +
            std::string(TermToken::token_characters) + "'\")",
        // A commit makes a part of its own. With 8 of them to merge, and not 4, each term is
        // written less often, and a query looks into a few more parts.
        "INSERT INTO addrbook_terms (addrbook_terms, rank) VALUES ('automerge', 8)", order_table};
  }

  /// @returns the statements that bring it from version 4, which had a tree for each order by text.
  ///          What is in it is then made again.
  [[nodiscard]] static std::vector<std::string> from_version_4() {
    return {"DROP INDEX IF EXISTS addrbook_names", "DROP INDEX IF EXISTS addrbook_given",
            "DROP INDEX IF EXISTS addrbook_family", "UPDATE addrbook_store SET terms = ''",
            order_table};
  }

 private:
  static constexpr const char* order_table =
      "CREATE VIRTUAL TABLE addrbook_order USING fts5vocab(addrbook_terms, instance)";

  static void append_order(std::string& to, Integer key, const IndexTerms& terms) {
    const std::string book = std::to_string(SqlTables::number_of(key));
    const auto created = SqlTables::created_of(key);
    using Sort = Query::Sort;
    SortToken::append_both(to, book, Sort::name, terms.name, created);
    SortToken::append_both(to, book, Sort::given, terms.given, created);
    SortToken::append_both(to, book, Sort::family, terms.family, created);
  }

  // To prepare a statement of FTS5 reads from the table: connections that write nothing need not.
  void run(std::unique_ptr<soci::statement>& statement, const char* sql, Integer key,
           const IndexTerms& terms) {
    if (!statement) {
      statement = std::make_unique<soci::statement>(
          (session_.prepare << sql, soci::use(key_), soci::use(words_), soci::use(exact_)));
    }
    key_ = key;
    words_ = terms.words;
    exact_ = terms.exact;
    append_order(exact_, key, terms);
    constexpr bool with_bindings = true;
    statement->execute(with_bindings);
  }

  soci::session& session_;
  Integer key_ = 0;
  std::string words_;
  std::string exact_;
  std::unique_ptr<soci::statement> add_;
  std::unique_ptr<soci::statement> remove_;
};

}  // namespace addrbook::detail
