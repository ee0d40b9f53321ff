#pragma once

#include <string>

#include "protocol/script/scenario.hpp"

/// Text of syntax trees, as the language writes them. Parsing what is printed gives the same tree.
namespace smtpspec::script {

std::string to_text(const Expression& expression);
std::string to_text(const Pattern& pattern);
std::string to_text(const Rule& rule);
/// One statement; blocks are indented by four blanks for each level.
std::string to_text(const Statement& statement, int indent = 0);
std::string to_text(const Block& block, int indent = 0);
/// A string with quotes and escapes as §1 has them.
std::string to_text(const Template& text);
std::string to_text(const Quantity& quantity);
std::string to_text(const Regex& regex);
std::string to_text(const Bytes& bytes);

/// Head and script with every start state written out as comments: `smtpspec show ID`.
std::string print_scenario(const Scenario& scenario);

}  // namespace smtpspec::script
