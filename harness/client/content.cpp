#include "harness/client/content.hpp"

#include <fmt/format.h>

#include "protocol/smtp/text.hpp"

namespace smtpspec::client {
namespace {

constexpr size_t max_line = 998;

/// Position behind the blank line that ends the header; the whole length when there is no body.
size_t body_start(std::string_view message) {
    if (message.starts_with("\r\n"))
        return 2;
    const size_t end = message.find("\r\n\r\n");
    return end == std::string_view::npos ? message.size() : end + 4;
}

/// Calls `visit(line)` for each line, its CRLF included.
template <class Visit>
void each_line(std::string_view text, Visit visit) {
    while (!text.empty()) {
        const size_t end = text.find("\r\n");
        const size_t length = end == std::string_view::npos ? text.size() : end + 2;
        visit(text.substr(0, length));
        text.remove_prefix(length);
    }
}

bool is_field(std::string_view line, std::string_view name) {
    if (!smtp::istarts_with(line, name))
        return false;
    line.remove_prefix(name.size());
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t'))
        line.remove_prefix(1);
    return line.starts_with(':');
}

bool is_continuation(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

/// A header line cut before blanks so that no piece is over 998 octets.
std::string folded(std::string_view line) {
    std::string out;
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 0);
    while (line.size() > max_line) {
        const size_t blank = line.rfind(' ', max_line - 1);
        if (blank == std::string_view::npos || blank == 0)
            break;
        out += line.substr(0, blank);
        out += "\r\n";
        line.remove_prefix(blank);
    }
    out += line;
    return out + "\r\n";
}

/// One line of quoted-printable without its line end, soft breaks included.
std::string quoted_printable_line(std::string_view line) {
    std::string out;
    size_t column = 0;
    for (size_t i = 0; i < line.size(); ++i) {
        const auto octet = static_cast<unsigned char>(line[i]);
        const bool last = i + 1 == line.size();
        const bool plain =
            (octet > 32 && octet < 127 && octet != '=') || ((octet == ' ' || octet == '\t') && !last);
        const std::string piece = plain ? std::string(1, line[i]) : fmt::format("={:02X}", octet);
        if (column + piece.size() > 75) {
            out += "=\r\n";
            column = 0;
        }
        out += piece;
        column += piece.size();
    }
    return out;
}

struct Header {
    std::string text;
    bool mime = false;
    bool encoded = false;     ///< has a Content-Transfer-Encoding other than 7bit and 8bit
    bool structured = false;  ///< a Content-Type that is not text/…
};

Header read_header(std::string_view header) {
    Header result;
    bool drop = false;
    each_line(header, [&](std::string_view line) {
        if (line == "\r\n")
            return;
        if (is_continuation(line) && drop)
            return;
        drop = false;
        const std::string lower = smtp::to_lower(line);
        if (is_field(line, "Content-Transfer-Encoding")) {
            drop = lower.find("7bit") != std::string::npos || lower.find("8bit") != std::string::npos;
            result.encoded = result.encoded || !drop;
        }
        if (is_field(line, "Content-Type"))
            result.structured = lower.find("text/") == std::string::npos;
        result.mime = result.mime || is_field(line, "MIME-Version");
        if (!drop)
            result.text += folded(line);
    });
    return result;
}

}  // namespace

std::string normalise_line_ends(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32 + 2);
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r') {
            out += "\r\n";
            i += i + 1 < text.size() && text[i + 1] == '\n' ? 1 : 0;
        } else if (text[i] == '\n') {
            out += "\r\n";
        } else {
            out += text[i];
        }
    }
    if (!out.ends_with("\r\n") && !out.empty())
        out += "\r\n";
    return out;
}

std::string without_bcc(std::string_view message) {
    const size_t body = body_start(message);
    std::string out;
    bool inside = false;
    each_line(message.substr(0, body), [&](std::string_view line) {
        inside = is_field(line, "Bcc") || (inside && is_continuation(line));
        if (!inside)
            out += line;
    });
    return out.append(message.substr(body));
}

bool has_long_line(std::string_view message) {
    bool found = false;
    each_line(message, [&](std::string_view line) { found = found || line.size() > max_line + 2; });
    return found;
}

ContentNeeds needs_of(std::string_view message) {
    ContentNeeds needs;
    needs.eight_bit = smtp::has_eight_bit(message);
    needs.long_lines = has_long_line(message);
    return needs;
}

tl::expected<std::string, std::string> to_seven_bit(std::string_view message) {
    const size_t start = body_start(message);
    const std::string_view header_text = message.substr(0, start);
    if (smtp::has_eight_bit(header_text))
        return tl::unexpected(std::string("the header holds 8-bit text"));
    Header header = read_header(header_text);
    const ContentNeeds body = needs_of(message.substr(start));
    if (!body.eight_bit && !body.long_lines)
        return header.text + "\r\n" + std::string(message.substr(start));
    if (header.encoded || header.structured)
        return tl::unexpected(std::string("the body is not plain text and cannot be encoded again"));
    std::string out = header.text;
    if (!header.mime)
        out += "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n";
    out += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    each_line(message.substr(start), [&](std::string_view line) {
        line.remove_suffix(line.ends_with("\r\n") ? 2 : 0);
        out += quoted_printable_line(line) + "\r\n";
    });
    return out;
}

}  // namespace smtpspec::client
