#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocol/script/source.hpp"

namespace smtpspec::script {

/// One finding about a file: where, what, what was expected, and what to do about it.
struct Diagnostic {
    enum class Kind { Error, Warning };

    Kind kind = Kind::Error;
    std::string file;
    Position at;
    std::size_t length = 1;  ///< characters under the caret
    std::string message;
    std::string expected;     ///< "a code, close or silent"; may be empty
    std::string hint;         ///< "did you mean `close`?"; may be empty
    std::string source_line;  ///< the line it is about; may be empty

    /// `file:line:column: error: message`, the line, a caret, `expected: …`, `hint: …`; ends with a line
    /// feed.
    std::string render() const;
};

/// All findings about one file (or several), in the order of the text after `sort()`.
class Diagnostics {
  public:
    bool empty() const { return list_.empty(); }
    std::size_t size() const { return list_.size(); }
    bool has_errors() const { return error_count() != 0; }
    std::size_t error_count() const;
    std::size_t warning_count() const { return list_.size() - error_count(); }
    const std::vector<Diagnostic>& list() const { return list_; }
    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }

    void add(Diagnostic diagnostic);
    /// The one added last; there must be one.
    Diagnostic& last() { return list_.back(); }
    void append(const Diagnostics& other);
    /// Brings the findings into the order of the text and drops exact repetitions.
    void sort();
    /// All of them, as they are shown to a person.
    std::string render() const;

  private:
    std::vector<Diagnostic> list_;
};

/// Collects findings about one source file and fills in its name and lines.
class Reporter {
  public:
    explicit Reporter(SourcePtr source) : source_(std::move(source)) {}

    Diagnostic& error(Position at,
                      std::size_t length,
                      std::string message,
                      std::string expected = {},
                      std::string hint = {});
    Diagnostic& warning(Position at,
                        std::size_t length,
                        std::string message,
                        std::string expected = {},
                        std::string hint = {});
    const SourcePtr& source() const { return source_; }
    bool has_errors() const { return diagnostics_.has_errors(); }
    /// An error in one of these lines, both included.
    bool has_error_in(std::size_t first_line, std::size_t last_line) const;
    std::size_t size() const { return diagnostics_.size(); }
    /// True when so many mistakes were found that more would not help.
    bool full() const { return diagnostics_.size() >= max_findings; }
    Diagnostics take();

    static constexpr std::size_t max_findings = 200;

  private:
    Diagnostic& add(Diagnostic::Kind kind,
                    Position at,
                    std::size_t length,
                    std::string message,
                    std::string expected,
                    std::string hint);

    SourcePtr source_;
    Diagnostics diagnostics_;
    Diagnostic overflow_;
};

}  // namespace smtpspec::script
