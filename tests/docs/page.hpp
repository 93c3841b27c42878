/// The Markdown pages of the source tree, as far as the tests read them.
#pragma once

#include <support/addresses.hpp>

#include <cstddef>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// A fenced block: ```kind ... ```.
struct Block {
  std::string kind;
  std::string text;
};

/// A command of a console block, and the output that the page shows below it.
struct Command {
  std::string line;
  std::string output;
};

struct Page {
  std::string name;  ///< below the source folder, e.g. "configs/README.md"
  std::string text;
  std::vector<Block> blocks;
};

/// @throws std::runtime_error for a fence that is not closed, and for code that is only indented
inline std::vector<Block> blocks_of(const std::string& text) {
  std::vector<Block> blocks;
  bool is_open = false;
  std::string previous;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); previous = line) {
    if (line.compare(0, 3, "```") == 0) {
      is_open = !is_open;
      if (is_open) blocks.push_back({line.substr(3), ""});
    } else if (is_open) {
      blocks.back().text += line + "\n";
    } else if (previous.empty() && line.compare(0, 4, "    ") == 0) {
      throw std::runtime_error("code outside of a fence: " + line);
    }
  }
  if (is_open) throw std::runtime_error("a fence without an end: ```" + blocks.back().kind);
  return blocks;
}

/// Every *.md below the source folder, but for build trees and hidden folders.
inline std::vector<Page> pages() {
  namespace fs = std::filesystem;
  const fs::path source = ADDRBOOK_SOURCE_DIR;
  std::vector<Page> pages;
  for (fs::recursive_directory_iterator at(source), end; at != end; ++at) {
    const std::string name = at->path().filename().string();
    if (at->is_directory() && (name == "build" || name[0] == '.')) at.disable_recursion_pending();
    if (!at->is_regular_file() || at->path().extension() != ".md") continue;
    std::string text = read_file(at->path());
    std::vector<Block> blocks = blocks_of(text);
    pages.push_back({at->path().lexically_relative(source).generic_string(), std::move(text),
                     std::move(blocks)});
  }
  return pages;
}

inline const Page& page(const std::vector<Page>& pages, const std::string& name) {
  for (const Page& page : pages) {
    if (page.name == name) return page;
  }
  throw std::runtime_error("there is no " + name);
}

/// A command begins with "$ "; it goes on after a `\` at the end of a line, and up to the END of a
/// here-document.
inline std::vector<Command> commands_of(const std::string& console) {
  std::vector<Command> commands;
  std::istringstream lines(console);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, 2, "$ ") != 0) {
      if (commands.empty()) throw std::runtime_error("output without a command: " + line);
      commands.back().output += line + "\n";
      continue;
    }
    std::string command = line.substr(2);
    while (line.back() == '\\' && std::getline(lines, line)) command += "\n" + line;
    if (command.find("<<'END'") != std::string::npos) {
      while (line != "END" && std::getline(lines, line)) command += "\n" + line;
    }
    commands.push_back({command, ""});
  }
  return commands;
}

/// The cells of a table's row, without white space around them; none if the line is no row.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  if (line.empty() || line[0] != '|') return cells;
  std::istringstream row(line.substr(1));
  for (std::string cell; std::getline(row, cell, '|');) {
    const auto begin = cell.find_first_not_of(' ');
    cells.push_back(begin == std::string::npos
                        ? ""
                        : cell.substr(begin, cell.find_last_not_of(' ') + 1 - begin));
  }
  return cells;
}

}  // namespace test
