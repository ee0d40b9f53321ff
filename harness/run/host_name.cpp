#include "harness/run/host_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "harness/run/endpoint.hpp"
#include "protocol/smtp/escape.hpp"
#include "protocol/smtp/text.hpp"

namespace smtpspec::run {

namespace {

bool is_address(const std::string& text) {
    boost::system::error_code failure;
    boost::asio::ip::make_address(text, failure);
    return !failure;
}

bool is_name(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return smtp::is_alnum(c) || smtp::is_eight_bit(c) || c == '.' || c == '-' || c == '_';
    });
}

bool is_bracketed(const std::string& text) {
    return text.size() > 2 && text.front() == '[' && text.back() == ']' &&
           is_address(text.substr(1, text.size() - 2));
}

/// host:port, where the host is a name, an IPv4 address or an IPv6 address in brackets.
HostProblem with_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    const std::string digits = colon == std::string::npos ? "" : text.substr(colon + 1);
    std::string host = text.substr(0, std::min(colon, text.size()));
    const bool bracketed = is_bracketed(host);
    const bool number =
        !digits.empty() && digits.size() < 6 && std::all_of(digits.begin(), digits.end(), smtp::is_digit);
    if (!number || (!bracketed && !is_name(host))) {
        return {};
    }
    const std::string field = host;
    host = bracketed ? host.substr(1, host.size() - 2) : host;
    const bool usual = five_ports().ports.count(std::stoi(digits)) > 0;
    return {fmt::format("{} is a host with a port", text),
            usual
                ? fmt::format("the host alone, and the port as an option: {} --port {}", host, digits)
                : fmt::format("the host alone; where its port 587 is really {0}: {1} --port 587 --connect-to "
                              "{2}:587:{2}:{0}, or a profile with ports: {{{0}: starttls}}",
                              digits,
                              host,
                              field),
            host};
}

}  // namespace

HostProblem host_problem(const std::string& text) {
    if (is_address(text) || is_name(text)) {
        return {};
    }
    if (is_bracketed(text)) {
        const std::string bare = text.substr(1, text.size() - 2);
        return {text + " has brackets", "the address alone: " + bare, bare};
    }
    if (HostProblem found = with_port(text); !found.what.empty()) {
        return found;
    }
    if (const std::size_t scheme = text.find("://"); scheme != std::string::npos) {
        const std::string rest = text.substr(scheme + 3);
        const std::string host = rest.substr(0, rest.find_first_of("/:?#"));
        return {fmt::format("{} is a URL", smtp::printable(text)),
                is_name(host) ? "the host alone: " + host : "the host alone",
                is_name(host) ? host : ""};
    }
    return {fmt::format("\"{}\" is no host", smtp::printable(text)),
            "a name (mail.example.org) or an IP address",
            ""};
}

}  // namespace smtpspec::run
