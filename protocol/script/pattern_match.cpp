#include "protocol/script/pattern_match.hpp"

#include <algorithm>

#include "protocol/smtp/capabilities.hpp"
#include "protocol/smtp/command.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::script {

namespace {

/// Looks without making variables.
class SilentScope : public Scope {
  public:
    explicit SilentScope(Scope& below) : below_(below) {}
    Value name(const std::string& name, Position at) override { return below_.name(name, at); }
    bool has_variable(const std::string& name) const override { return below_.has_variable(name); }
    std::optional<Value> call(const std::string& function,
                              const std::vector<Value>& arguments,
                              Position at) override {
        return below_.call(function, arguments, at);
    }
    void capture(const std::string&, std::string) override {}

  private:
    Scope& below_;
};

/// `has SIZE`, `has AUTH=PLAIN`: a keyword, or a word after it. A keyword that is spelled with `=` counts
/// too.
bool has_word(const smtp::Capabilities& capabilities, const std::string& word) {
    if (capabilities.has(word)) {
        return true;
    }
    const std::size_t sign = word.find('=');
    return sign != std::string::npos && capabilities.has(word.substr(0, sign), word.substr(sign + 1));
}

bool part_fits(const ReplyPart& part, const smtp::Reply& reply, Scope& scope) {
    if (const auto* codes = std::get_if<CodesPart>(&part)) {
        return std::any_of(codes->codes.begin(), codes->codes.end(), [&](const CodePattern& code) {
            return code.matches(reply.code);
        });
    }
    if (const auto* regex = std::get_if<Regex>(&part)) {
        return search(*regex, reply.raw, scope);
    }
    const auto capabilities = smtp::Capabilities::from_reply(reply);
    if (const auto* has = std::get_if<HasPart>(&part)) {
        return has_word(capabilities, has->word);
    }
    return !has_word(capabilities, std::get<LacksPart>(part).word);
}

bool lone_regex(const ReplyPattern& pattern) {
    return pattern.parts.size() == 1 && std::holds_alternative<Regex>(pattern.parts.front());
}

}  // namespace

bool fits_reply(const ReplyPattern& pattern, const smtp::Reply& reply, Scope& scope) {
    switch (pattern.kind) {
        case ReplyPattern::Kind::Any:
            return true;
        case ReplyPattern::Kind::Malformed:
            return !reply.well_formed();
        case ReplyPattern::Kind::Parts:
            break;
    }
    if (!reply.well_formed() && !lone_regex(pattern)) {
        return false;
    }
    SilentScope silent(scope);
    const auto fits = [&](const ReplyPart& part) { return part_fits(part, reply, silent); };
    if (!std::all_of(pattern.parts.begin(), pattern.parts.end(), fits)) {
        return false;
    }
    for (const ReplyPart& part : pattern.parts) {
        part_fits(part, reply, scope);  // now for the captures
    }
    return true;
}

namespace {

bool event_fits(Event event, const ClientLine& line) {
    switch (event) {
        case Event::AuthLine:
            return line.context.inside_auth;
        case Event::EndOfData:
            return line.context.inside_data && line.line == ".";
        case Event::Content:
            return line.context.inside_data;
        default:
            break;
    }
    if (line.context.inside_auth || line.context.inside_data) {
        return false;
    }
    if (event == Event::Command) {
        return true;
    }
    return is_verb(event) && smtp::parse_command(line.raw).verb == to_string(event);
}

std::string escaped(std::string_view octets) {
    std::string out;
    for (const char c : octets) {
        out += c == '*' || c == '?' ? std::string("\x01") + c : std::string(1, c);
    }
    return out;
}

/// Stars are `*`, literal octets stand behind \x01 where they would be wild. Linear in text times number of
/// stars.
bool wild(std::string_view glob, std::string_view text) {
    std::size_t g = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (t < text.size()) {
        const bool quoted = g + 1 < glob.size() && glob[g] == '\x01';
        if (g < glob.size() && glob[g] == '*') {
            star = ++g;
            resume = t;
        } else if (g < glob.size() && glob[g + (quoted ? 1 : 0)] == text[t]) {
            g += quoted ? 2 : 1;
            ++t;
        } else if (star != std::string_view::npos) {
            g = star;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (g < glob.size() && glob[g] == '*') {
        ++g;
    }
    return g == glob.size();
}

std::string first_word_upper(const std::string& text) {
    const std::size_t end = std::min(text.find(' '), text.size());
    return smtp::to_upper(std::string_view(text).substr(0, end)) + text.substr(end);
}

}  // namespace

bool fits_glob(const GlobPattern& pattern, std::string_view line, Scope& scope) {
    std::string glob;
    for (const TemplatePiece& piece : pattern.text.pieces) {
        if (piece.expression == nullptr) {
            glob += piece.literal;
            continue;
        }
        Template inserted;
        inserted.pieces.push_back(piece);
        glob += escaped(expand(inserted, scope));
    }
    return wild(first_word_upper(glob), first_word_upper(std::string(line)));
}

bool fits_line(const Pattern& pattern, const ClientLine& line, const wire::Masker& masker, Scope& scope) {
    if (std::holds_alternative<AnyLinePattern>(pattern.node)) {
        return true;
    }
    if (std::holds_alternative<SecretPattern>(pattern.node)) {
        return masker.reveals(line.line);
    }
    if (const auto* event = std::get_if<EventPattern>(&pattern.node)) {
        return event_fits(event->event, line);
    }
    if (const auto* glob = std::get_if<GlobPattern>(&pattern.node)) {
        return fits_glob(*glob, line.line, scope);
    }
    const auto* regex = std::get_if<LinePattern>(&pattern.node);
    return regex != nullptr && search(regex->regex, line.raw, scope);
}

bool fits_close(const ClosePattern& pattern, wire::PeerEnd end) {
    switch (pattern.how) {
        case CloseHow::Any:
            return true;
        case CloseHow::Notify:
            return end == wire::PeerEnd::notify;
        case CloseHow::Fin:
            return end == wire::PeerEnd::fin;
        case CloseHow::Rst:
            return end == wire::PeerEnd::rst;
    }
    return false;
}

namespace {

/// Positions in the pattern that the replies read so far may have led to.
class SeriesMatcher {
  public:
    SeriesMatcher(const std::vector<SeriesElement>& elements, Scope& scope)
        : elements_(elements), scope_(scope), at_(elements.size() + 1, false) {
        at_[0] = true;
        skip_stars();
    }

    void read(const smtp::Reply& reply) {
        std::vector<bool> next(at_.size(), false);
        for (std::size_t i = 0; i < elements_.size(); ++i) {
            if (!at_[i]) {
                continue;
            }
            if (std::holds_alternative<SeriesStar>(elements_[i])) {
                next[i] = true;
            } else if (const auto* pattern = std::get_if<ReplyPattern>(&elements_[i])) {
                next[i + 1] = next[i + 1] || fits_reply(*pattern, reply, scope_);
            }
        }
        at_ = std::move(next);
        skip_stars();
    }

    /// The end of the connection: `close` takes it, and so does a star that stands last.
    void read_end() {
        std::vector<bool> next(at_.size(), false);
        const std::size_t last = elements_.size();
        const bool star_last = last > 0 && std::holds_alternative<SeriesStar>(elements_[last - 1]);
        const bool close_last = last > 0 && std::holds_alternative<SeriesClose>(elements_[last - 1]);
        next[last] = (star_last || close_last) && at_[last - 1];
        at_ = std::move(next);
    }

    bool complete() const { return at_.back(); }
    bool viable() const { return std::find(at_.begin(), at_.end(), true) != at_.end(); }

  private:
    void skip_stars() {
        for (std::size_t i = 0; i < elements_.size(); ++i) {
            if (at_[i] && std::holds_alternative<SeriesStar>(elements_[i])) {
                at_[i + 1] = true;
            }
        }
    }

    const std::vector<SeriesElement>& elements_;
    Scope& scope_;
    std::vector<bool> at_;
};

}  // namespace

SeriesState fits_series(const SeriesPattern& pattern,
                        const std::vector<smtp::Reply>& replies,
                        bool ended,
                        Scope& scope,
                        Captures captures) {
    SilentScope silent(scope);
    SeriesMatcher matcher(pattern.elements, captures == Captures::keep ? scope : silent);
    for (const smtp::Reply& reply : replies) {
        matcher.read(reply);
    }
    if (ended) {
        matcher.read_end();
    }
    SeriesState state;
    state.complete = matcher.complete();
    state.viable = matcher.viable();
    return state;
}

bool is_anything(const SeriesPattern& pattern) {
    return pattern.elements.size() == 1 && std::holds_alternative<SeriesStar>(pattern.elements.front());
}

const Pattern* resolved(const Pattern& pattern, const CellParams& cell) {
    const auto* parameter = std::get_if<ParameterPattern>(&pattern.node);
    return parameter == nullptr ? &pattern : cell_pattern(*parameter, cell);
}

}  // namespace smtpspec::script
