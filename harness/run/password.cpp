#include "harness/run/password.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace smtpspec::run {

namespace {

constexpr std::size_t longest = 65536;

void drop_line_end(std::string& text) {
    if (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    if (!text.empty() && text.back() == '\r') {
        text.pop_back();
    }
}

tl::expected<std::string, std::string> checked(std::string password, const std::string& where) {
    drop_line_end(password);
    if (password.empty()) {
        return tl::make_unexpected(where + " is empty");
    }
    if (password.find_first_of(std::string("\r\n\0", 3)) != std::string::npos) {
        return tl::make_unexpected(where +
                                   " holds a line end or a NUL within the password; a password is one line");
    }
    return password;
}

}  // namespace

tl::expected<std::string, std::string> password_from_environment(const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) {
        return tl::make_unexpected(fmt::format("the environment variable {} is not set", variable));
    }
    return checked(value, fmt::format("the environment variable {}", variable));
}

tl::expected<std::string, std::string> password_from_file(const std::string& path) {
    // The line, and no more: a pipe may stay open behind it.
    std::FILE* file = std::fopen(path.c_str(), "rb");
    std::string line;
    int octet = 0;
    while (file != nullptr && line.size() < longest && (octet = std::fgetc(file)) != EOF && octet != '\n') {
        line += static_cast<char>(octet);
    }
    const bool failed = file == nullptr || std::ferror(file) != 0;
    const int problem = errno;
    if (file != nullptr) {
        std::fclose(file);
    }
    if (failed) {
        return tl::make_unexpected(
            fmt::format("cannot read the password file {}: {}", path, std::strerror(problem)));
    }
    if (line.size() >= longest) {
        return tl::make_unexpected(
            fmt::format("the first line of the password file {} is no password: too long", path));
    }
    return checked(line, fmt::format("the first line of the password file {}", path));
}

}  // namespace smtpspec::run
