#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "protocol/script/ast.hpp"

namespace re2 {
class RE2;
}

namespace smtpspec::script {

/// What a search found.
struct RegexMatch {
    std::size_t begin = 0;  ///< offset of the match in the text
    std::size_t end = 0;
    /// The named groups that took part, in the order of the pattern.
    std::vector<std::pair<std::string, std::string>> captures;
};

/// A regular expression of the language, ready to run: octets, not characters; linear in the input; cheap to
/// copy.
class CompiledRegex {
  public:
    CompiledRegex(std::shared_ptr<const re2::RE2> engine, bool has_line_end)
        : engine_(std::move(engine)), has_line_end_(has_line_end) {}

    /// Searches (§1); empty if the text does not fit.
    std::optional<RegexMatch> search(std::string_view text) const;
    bool matches(std::string_view text) const { return search(text).has_value(); }
    /// The named groups in the order of the pattern.
    std::vector<std::string> group_names() const;

  private:
    std::shared_ptr<const re2::RE2> engine_;
    bool has_line_end_ = false;  ///< the pattern has a `$`
};

/// Compiles the text between the slashes, insertions already made: Latin-1 octets, `^` and `$` at each line
/// with `$` before CRLF, `(?<name>…)` as RE2 spells it. The error is a sentence for a person.
tl::expected<CompiledRegex, std::string> compile_regex_source(std::string_view source, bool ignore_case);

/// Compiles a regex without insertions.
tl::expected<CompiledRegex, std::string> compile_regex(const Regex& regex);

/// `text` with everything escaped that has a meaning in a regular expression: how `${…}` is inserted.
std::string quote_for_regex(std::string_view text);

}  // namespace smtpspec::script
