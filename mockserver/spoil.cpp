#include "mockserver/spoil.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "protocol/smtp/data.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::size_t longest_line = 998;  // RFC 5321 §4.5.3.1.6
constexpr std::string_view line_end = "\r\n";

bool is_bare(const std::string& text, std::size_t at) {
    if (text[at] == '\n') {
        return at == 0 || text[at - 1] != '\r';
    }
    return text[at] == '\r' && (at + 1 == text.size() || text[at + 1] != '\n');
}

/// Each bare CR and LF becomes `replacement`.
std::string without_bare(const std::string& text, std::string_view replacement) {
    std::string all;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (is_bare(text, at)) {
            all += replacement;
        } else {
            all += text[at];
        }
    }
    return all;
}

std::string cut_at_bare(std::string text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (is_bare(text, at)) {
            return text.substr(0, at) + "\r\n";
        }
    }
    return text;
}

std::string cut_at_dot(const std::string& text) {
    const auto end = text.find("\r\n.\r\n");
    return end == std::string::npos ? text : text.substr(0, end + line_end.size());
}

/// Each line, without its CRLF, through `edit`; what has no CRLF behind it too.
template <typename Edit>
std::string by_line(const std::string& text, Edit edit) {
    std::string all;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find(line_end, at), text.size());
        all += edit(text.substr(at, end - at));
        all += end < text.size() ? line_end : std::string_view();
        at = end + line_end.size();
    }
    return all;
}

std::string folded(const std::string& line) {
    return line.size() <= longest_line ? line
                                       : line.substr(0, longest_line) + "\r\n" + line.substr(longest_line);
}

/// RFC 2045 §6.7, and more cautious than it wants: all but letters, digits and blanks is encoded.
std::string quoted_printable(const std::string& line) {
    constexpr std::size_t soft = 72;
    std::string all;
    std::size_t length = 0;
    for (const char c : line) {
        const auto octet = static_cast<unsigned char>(c);
        const bool plain = std::isalnum(octet) != 0 || c == ' ';
        if (length > soft) {
            all += "=\r\n";
            length = 0;
        }
        all += plain ? std::string(1, c) : fmt::format("={:02X}", octet);
        length += plain ? 1 : 3;
    }
    return all;
}

std::string reencoded(const std::string& message) {
    const auto border = message.find("\r\n\r\n");
    if (border == std::string::npos) {
        return message;
    }
    return message.substr(0, border + 2) + "Content-Transfer-Encoding: quoted-printable\r\n\r\n" +
           by_line(message.substr(border + 4), quoted_printable);
}

bool is_received(const std::string& line) { return smtp::istarts_with(line, "Received:"); }

std::string without_received(const std::string& message) {
    const auto border = std::min(message.find("\r\n\r\n"), message.size());
    std::string all;
    for (std::size_t at = 0; at < border;) {
        const auto end = std::min(message.find(line_end, at), border);
        const auto line = message.substr(at, end - at);
        all += is_received(line) ? std::string() : line + "\r\n";
        at = end + line_end.size();
    }
    return all + message.substr(std::min(border + 2, message.size()));
}

std::string refolded_received(const std::string& message) {
    return by_line(message, [](const std::string& line) {
        const auto semicolon = is_received(line) ? line.find("; ") : std::string::npos;
        return semicolon == std::string::npos
                   ? line
                   : line.substr(0, semicolon) + " (seen);" + line.substr(semicolon + 1);
    });
}

std::string spoil_line_ends(const DefectSet& defects, std::string message) {
    const auto has = [&](Defect defect) { return defects.has(defect); };
    if (has(Defect::bare_line_ends_become_crlf)) {
        message = without_bare(message, line_end);
    }
    if (has(Defect::bare_line_ends_become_space)) {
        message = without_bare(message, " ");
    }
    if (has(Defect::bare_line_ends_cut_message)) {
        message = cut_at_bare(std::move(message));
    }
    return has(Defect::long_lines_folded) ? by_line(message, folded) : message;
}

std::string spoil_trace(const DefectSet& defects, std::string message) {
    if (defects.has(Defect::received_dropped)) {
        message = without_received(message);
    }
    return defects.has(Defect::received_refolded) ? refolded_received(message) : message;
}

}  // namespace

std::string spoil(const DefectSet& defects, std::string message, Arrival arrival) {
    const auto has = [&](Defect defect) { return defects.has(defect); };
    if (defects.none()) {
        return message;
    }
    if (has(Defect::bdat_unstuffs) && arrival.chunked) {
        message = smtp::dot_unstuff(message);
    }
    if (has(Defect::bdat_dot_ends) && arrival.chunked) {
        message = cut_at_dot(message);
    }
    if (has(Defect::binarymime_drops_nul) && arrival.binary) {
        std::erase(message, '\0');
    }
    if (has(Defect::unstuff_not_on_first_line) && message.starts_with('.')) {
        message.insert(0, ".");
    }
    message = spoil_trace(defects, spoil_line_ends(defects, std::move(message)));
    if (has(Defect::content_reencoded)) {
        message = reencoded(message);
    }
    if (has(Defect::adds_footer)) {
        message += "-- \r\nSent by an organisation with a footer.\r\n";
    }
    return message;
}

std::string return_path_field(const DefectSet& defects, const std::string& from) {
    if (defects.has(Defect::no_return_path)) {
        return {};
    }
    if (defects.has(Defect::return_path_rewritten)) {
        return "Return-Path: <bounce+" + std::to_string(from.size()) + "@mail.test>\r\n";
    }
    const std::string field = "Return-Path: <" + from + ">\r\n";
    return defects.has(Defect::return_path_twice) ? field + field : field;
}

}  // namespace smtpspec::mock
