#include "harness/report/reference.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/smtp/text.hpp"

namespace smtpspec::report {

namespace {

bool is_number(std::string_view text, std::size_t longest) {
    return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), smtp::is_digit);
}

/// "4", "4.5.3.1"; the first part of an appendix is a letter: "A.1".
bool is_section(std::string_view text) {
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] == '.') {
        text.remove_prefix(2);
    } else if (text.size() == 1 && text[0] >= 'A' && text[0] <= 'Z') {
        return true;
    }
    while (true) {
        const std::size_t dot = text.find('.');
        if (!is_number(text.substr(0, dot), 4)) {
            return false;
        }
        if (dot == std::string_view::npos) {
            return true;
        }
        text.remove_prefix(dot + 1);
    }
}

std::optional<std::string> rfc_url(std::string_view rest) {
    constexpr std::string_view sign = " §";
    const std::size_t at = rest.find(sign);
    const std::string_view number = rest.substr(0, at);
    if (!is_number(number, 5)) {
        return std::nullopt;
    }
    std::string page = fmt::format("https://www.rfc-editor.org/rfc/rfc{}", number);
    if (at == std::string_view::npos) {
        return page;
    }
    const std::string_view section = rest.substr(at + sign.size());
    if (section.size() > 40 || !is_section(section)) {
        return std::nullopt;
    }
    return fmt::format("{}#{}-{}", page, smtp::is_digit(section[0]) ? "section" : "appendix", section);
}

}  // namespace

std::optional<std::string> url_of(std::string_view reference) {
    constexpr std::string_view rfc = "RFC ", cve = "CVE-";
    if (reference.substr(0, rfc.size()) == rfc) {
        return rfc_url(reference.substr(rfc.size()));
    }
    if (reference.substr(0, cve.size()) == cve) {
        const std::string_view rest = reference.substr(cve.size());
        const std::size_t dash = rest.find('-');
        if (dash == 4 && is_number(rest.substr(0, 4), 4) && is_number(rest.substr(5), 10)) {
            return fmt::format("https://www.cve.org/CVERecord?id={}", reference);
        }
    }
    return std::nullopt;
}

}  // namespace smtpspec::report
