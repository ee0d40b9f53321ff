#include "protocol/script/regex.hpp"

#include <cctype>

#include <fmt/format.h>
#include <re2/re2.h>

namespace smtpspec::script {
namespace {

struct Translation {
    std::string text;
    bool has_line_end = false;
};

/// Rewrites the language's spelling into RE2's: `(?<name>` becomes `(?P<name>`, `$` also stands before CRLF.
/// Escapes and character classes are passed over.
class Translator {
  public:
    explicit Translator(std::string_view source) : source_(source) {}

    tl::expected<Translation, std::string> run() {
        out_.text = "(?m)";
        while (at_ < source_.size()) {
            if (const std::string problem = step(); !problem.empty()) {
                return tl::unexpected(problem);
            }
        }
        return std::move(out_);
    }

  private:
    std::string step() {
        const char c = source_[at_];
        if (c == '\\') {
            return escape();
        }
        if (in_class_) {
            copy_class_character();
        } else if (c == '[') {
            open_class();
        } else if (c == '$') {
            // RE2 has no look-ahead: the CR is taken into the match and CompiledRegex gives it back.
            out_.text += "\\r?$";
            out_.has_line_end = true;
            ++at_;
        } else if (source_.substr(at_, 4) == "(?P<" || source_.substr(at_, 4) == "(?P=") {
            return "a named group is written (?<name>…)";
        } else if (source_.substr(at_, 4) == "(?<=" || source_.substr(at_, 4) == "(?<!" ||
                   source_.substr(at_, 3) == "(?=" || source_.substr(at_, 3) == "(?!") {
            return "there is no look-around: matching is linear in the input";
        } else if (source_.substr(at_, 3) == "(?<") {
            return named_group();
        } else {
            out_.text += c;
            ++at_;
        }
        return {};
    }

    std::string escape() {
        if (at_ + 1 >= source_.size()) {
            return "a backslash at the end escapes nothing";
        }
        const char next = source_[at_ + 1];
        if (next >= '1' && next <= '9') {
            return "there are no back-references: matching is linear in the input";
        }
        if (next == 'Q' || next == 'E') {
            return fmt::format("`\\{}` is not part of the language", next);
        }
        if (next == '/') {
            out_.text += '/';
        } else {
            out_.text += source_.substr(at_, 2);
        }
        at_ += 2;
        return {};
    }

    void open_class() {
        in_class_ = true;
        out_.text += source_[at_++];
        if (at_ < source_.size() && source_[at_] == '^') {
            out_.text += source_[at_++];
        }
        if (at_ < source_.size() && source_[at_] == ']') {  // a leading ] is a member
            out_.text += source_[at_++];
        }
    }

    void copy_class_character() {
        if (source_.substr(at_, 2) == "[:") {
            const std::size_t end = source_.find(":]", at_ + 2);
            if (end != std::string_view::npos && end - at_ < 16) {
                out_.text += source_.substr(at_, end + 2 - at_);
                at_ = end + 2;
                return;
            }
        }
        in_class_ = source_[at_] != ']';
        out_.text += source_[at_++];
    }

    std::string named_group() {
        const std::size_t begin = at_ + 3;
        std::size_t end = begin;
        while (end < source_.size() && source_[end] != '>') {
            ++end;
        }
        const std::string_view name = source_.substr(begin, end - begin);
        if (end == source_.size() || name.empty() || std::isalpha(static_cast<unsigned char>(name[0])) == 0) {
            return "the name of a group is a letter, then letters, digits and `_`, and ends at `>`";
        }
        for (const char c : name) {
            if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') {
                return fmt::format("the name of the group `{}` may have letters, digits and `_` only", name);
            }
        }
        out_.text += fmt::format("(?P<{}>", name);
        at_ = end + 1;
        return {};
    }

    std::string_view source_;
    std::size_t at_ = 0;
    bool in_class_ = false;
    Translation out_;
};

}  // namespace

tl::expected<CompiledRegex, std::string> compile_regex_source(std::string_view source, bool ignore_case) {
    constexpr std::size_t longest_source = 64 * 1024;
    if (source.size() > longest_source) {
        return tl::unexpected(std::string("a regular expression may have 64 KiB"));
    }
    auto translated = Translator(source).run();
    if (!translated) {
        return tl::unexpected(translated.error());
    }
    re2::RE2::Options options;
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    options.set_case_sensitive(!ignore_case);
    options.set_log_errors(false);
    options.set_max_mem(2 * 1024 * 1024);
    auto engine = std::make_shared<const re2::RE2>(translated->text, options);
    if (!engine->ok()) {
        // RE2 quotes the part it means; what stands there of our own making is taken out again.
        std::string problem = engine->error();
        if (const std::size_t own = problem.find("(?m)"); own != std::string::npos) {
            problem.erase(own, 4);
        }
        return tl::unexpected(problem);
    }
    return CompiledRegex(std::move(engine), translated->has_line_end);
}

tl::expected<CompiledRegex, std::string> compile_regex(const Regex& regex) {
    return compile_regex_source(regex.source.literal(), regex.ignore_case);
}

std::optional<RegexMatch> CompiledRegex::search(std::string_view text) const {
    const auto groups = static_cast<std::size_t>(engine_->NumberOfCapturingGroups()) + 1;
    std::vector<re2::StringPiece> parts(groups);
    const re2::StringPiece subject(text.data(), text.size());
    if (!engine_->Match(
            subject, 0, text.size(), re2::RE2::UNANCHORED, parts.data(), static_cast<int>(groups))) {
        return std::nullopt;
    }
    RegexMatch match;
    match.begin = static_cast<std::size_t>(parts[0].data() - text.data());
    match.end = match.begin + parts[0].size();
    const std::size_t matched_end = match.end;
    const bool took_cr = has_line_end_ && match.end > match.begin && text[match.end - 1] == '\r' &&
                         (match.end == text.size() || text[match.end] == '\n');
    match.end -= took_cr ? 1U : 0U;
    for (const auto& [number, name] : engine_->CapturingGroupNames()) {
        const re2::StringPiece& part = parts[static_cast<std::size_t>(number)];
        if (part.data() == nullptr) {
            continue;
        }
        const std::size_t end = static_cast<std::size_t>(part.data() - text.data()) + part.size();
        const bool trim = took_cr && end == matched_end && !part.empty();
        match.captures.emplace_back(name, std::string(part.data(), part.size() - (trim ? 1U : 0U)));
    }
    return match;
}

std::vector<std::string> CompiledRegex::group_names() const {
    std::vector<std::string> names;
    for (const auto& entry : engine_->CapturingGroupNames()) {
        names.push_back(entry.second);
    }
    return names;
}

std::string quote_for_regex(std::string_view text) {
    std::string out;
    out.reserve(text.size() * 2);
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (std::isalnum(octet) != 0 || c == '_' || octet >= 0x80) {
            out += c;
        } else {
            out += fmt::format("\\x{:02x}", octet);
        }
    }
    return out;
}

}  // namespace smtpspec::script
