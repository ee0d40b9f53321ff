#include "harness/run/password.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "harness/run/input_file.hpp"

namespace smtpspec::run {

namespace {

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
    auto text = read_input(path, "the password file");
    if (!text) {
        return tl::make_unexpected(std::move(text.error()));
    }
    return checked(text->substr(0, text->find('\n')),
                   fmt::format("the first line of the password file {}", path));
}

}  // namespace smtpspec::run
