#include "harness/latency/load_reply.hpp"

namespace smtpspec::latency {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

/// The code at the beginning of a line; 0 when there is none between 200 and 599.
int code_of(std::string_view line) {
    if (line.size() < 3 || !digit(line[0]) || !digit(line[1]) || !digit(line[2]))
        return 0;
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    return code >= 200 && code < 600 ? code : 0;
}

ReplyGlance malformed() {
    ReplyGlance found;
    found.state = ReplyGlance::State::malformed;
    return found;
}

}  // namespace

ReplyGlance glance(std::string_view octets) {
    ReplyGlance found;
    std::size_t from = 0;
    for (;;) {
        const std::string_view rest = octets.substr(from);
        const std::size_t feed = rest.find('\n');
        if (feed == std::string_view::npos) {
            // What cannot become a reply is told before its end, which may never come.
            const bool hopeless = octets.size() > most_octets || (rest.size() >= 3 && code_of(rest) == 0);
            return hopeless ? malformed() : found;
        }
        const std::string_view line = rest.substr(0, feed);
        const int code = code_of(line);
        const bool ends_well = !line.empty() && line.back() == '\r';
        if (code == 0 || !ends_well || (found.code != 0 && code != found.code))
            return malformed();
        found.code = code;
        from += feed + 1;
        const char separator = line[3];  // at least the CR
        if (separator == '-' && from <= most_octets)
            continue;
        if (separator != ' ' && line.size() != 4)
            return malformed();
        found.state = ReplyGlance::State::complete;
        found.length = from;
        return found;
    }
}

}  // namespace smtpspec::latency
