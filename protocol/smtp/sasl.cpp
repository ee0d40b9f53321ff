#include "protocol/smtp/sasl.hpp"

#include <algorithm>
#include <vector>

#include "protocol/smtp/text.hpp"

namespace smtpspec::smtp {

namespace {

constexpr char nul = '\0';
constexpr char separator = '\x01';  // kvsep of RFC 7628 §3.1

template <class T>
using Parsed = tl::expected<T, std::string>;

tl::unexpected<std::string> refuse(std::string_view why) { return tl::unexpected(std::string(why)); }

/// The key=value pairs between ^A; the text must end in ^A ^A (an empty pair).
Parsed<std::vector<std::string_view>> split_pairs(std::string_view text) {
    std::vector<std::string_view> pairs;
    while (true) {
        const size_t at = text.find(separator);
        if (at == std::string_view::npos) {
            return refuse("the message does not end in two ^A");
        }
        if (at == 0) {
            text.remove_prefix(1);
            return text.empty() ? Parsed<std::vector<std::string_view>>(pairs)
                                : refuse("octets follow the two ^A at the end");
        }
        pairs.push_back(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
}

/// auth=Bearer TOKEN; the scheme in any letter case (RFC 7628 §3.1).
Parsed<std::string> bearer_token(std::string_view value) {
    constexpr std::string_view scheme = "Bearer ";
    if (!istarts_with(value, scheme) || value.size() == scheme.size()) {
        return refuse("auth is not \"Bearer TOKEN\"");
    }
    return std::string(value.substr(scheme.size()));
}

Parsed<BearerCredentials> read_pairs(std::string_view text, BearerCredentials credentials) {
    const auto pairs = split_pairs(text);
    if (!pairs) {
        return tl::unexpected(pairs.error());
    }
    for (const std::string_view pair : *pairs) {
        const size_t equals = pair.find('=');
        if (equals == std::string_view::npos) {
            return refuse("a pair has no \"=\"");
        }
        const std::string_view key = pair.substr(0, equals);
        const std::string_view value = pair.substr(equals + 1);
        if (key == "user") {
            credentials.user = value;
        } else if (key == "host") {
            credentials.host = value;
        } else if (key == "port") {
            credentials.port = value;
        } else if (key == "auth") {
            auto token = bearer_token(value);
            if (!token) {
                return tl::unexpected(token.error());
            }
            credentials.token = std::move(*token);
        }
    }
    if (credentials.token.empty()) {
        return refuse("there is no auth=");
    }
    return credentials;
}

}  // namespace

bool is_sasl_mechanism(std::string_view name) {
    return !name.empty() && name.size() <= 20 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
    });
}

std::string plain_message(std::string_view authzid, std::string_view user, std::string_view password) {
    std::string out(authzid);
    out += nul;
    out += user;
    out += nul;
    out += password;
    return out;
}

tl::expected<PlainCredentials, std::string> parse_plain(std::string_view message) {
    const size_t first = message.find(nul);
    const size_t second = first == std::string_view::npos ? first : message.find(nul, first + 1);
    if (second == std::string_view::npos || message.find(nul, second + 1) != std::string_view::npos) {
        return refuse("a PLAIN message has exactly two NULs");
    }
    PlainCredentials credentials;
    credentials.authzid = message.substr(0, first);
    credentials.user = message.substr(first + 1, second - first - 1);
    credentials.password = message.substr(second + 1);
    if (credentials.user.empty() || credentials.password.empty()) {
        return refuse("user name and password have at least one character");  // RFC 4616 §2
    }
    if (!is_utf8(message)) {
        return refuse("a PLAIN message is UTF-8");
    }
    return credentials;
}

std::string cram_md5_message(std::string_view user, std::string_view hex_digest) {
    return std::string(user) + " " + std::string(hex_digest);
}

tl::expected<CramMd5Response, std::string> parse_cram_md5(std::string_view message) {
    const size_t blank = message.rfind(' ');  // a user name may hold blanks
    if (blank == std::string_view::npos || blank == 0) {
        return refuse("a CRAM-MD5 answer is \"user digest\"");
    }
    CramMd5Response response;
    response.user = message.substr(0, blank);
    response.digest = message.substr(blank + 1);
    const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
    if (response.digest.size() != 32 ||
        !std::all_of(response.digest.begin(), response.digest.end(), is_hex)) {
        return refuse("a CRAM-MD5 digest is 32 lower-case hexadecimal digits");
    }
    return response;
}

std::string xoauth2_message(std::string_view user, std::string_view token) {
    return "user=" + std::string(user) + "\x01" + "auth=Bearer " + std::string(token) + "\x01\x01";
}

tl::expected<BearerCredentials, std::string> parse_xoauth2(std::string_view message) {
    auto credentials = read_pairs(message, BearerCredentials());
    if (credentials && credentials->user.empty()) {
        return refuse("there is no user=");
    }
    return credentials;
}

std::string oauthbearer_message(std::string_view user,
                                std::string_view token,
                                std::string_view host,
                                std::string_view port) {
    std::string out = user.empty() ? "n,," : "n,a=" + saslname_encode(user) + ",";
    out += separator;
    if (!host.empty()) {
        out += "host=" + std::string(host) + separator;
    }
    if (!port.empty()) {
        out += "port=" + std::string(port) + separator;
    }
    return out + "auth=Bearer " + std::string(token) + separator + separator;
}

tl::expected<BearerCredentials, std::string> parse_oauthbearer(std::string_view message) {
    const size_t end = message.find(separator);
    const std::string_view header = message.substr(0, end);
    if (end == std::string_view::npos || header.size() < 3 || header.back() != ',' ||
        (header.substr(0, 2) != "n," && header.substr(0, 2) != "y,")) {
        return refuse("the message does not begin with a GS2 header and ^A");
    }
    BearerCredentials credentials;
    const std::string_view authzid = header.substr(2, header.size() - 3);
    if (!authzid.empty()) {
        const auto name = saslname_decode(authzid.substr(std::min<size_t>(2, authzid.size())));
        if (authzid.substr(0, 2) != "a=" || !name) {
            return refuse("the GS2 header's authzid is not \"a=name\"");
        }
        credentials.user = *name;
    }
    auto parsed = read_pairs(message.substr(end + 1), BearerCredentials());
    if (parsed) {
        parsed->user = std::move(credentials.user);
    }
    return parsed;
}

std::string saslname_encode(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == ',') {
            out += "=2C";
        } else if (c == '=') {
            out += "=3D";
        } else {
            out += c;
        }
    }
    return out;
}

tl::expected<std::string, std::string> saslname_decode(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ',' || text[i] == nul) {
            return refuse("a saslname holds neither \",\" nor NUL");
        }
        if (text[i] != '=') {
            out += text[i];
            continue;
        }
        const std::string_view code = text.substr(i, 3);
        if (code != "=2C" && code != "=3D") {
            return refuse("\"=\" in a saslname begins =2C or =3D");
        }
        out += code == "=2C" ? ',' : '=';
        i += 2;
    }
    if (out.empty() || !is_utf8(out)) {
        return refuse("a saslname is UTF-8 and not empty");
    }
    return out;
}

}  // namespace smtpspec::smtp
