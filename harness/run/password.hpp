#pragma once

#include <string>

#include <tl/expected.hpp>

namespace smtpspec::run {

/// A password from where the user keeps it. One line end at its end (`echo`, an editor) is not part of it; a
/// line end or an octet 0 within is refused: no mechanism can send it as one answer, and it could not be
/// masked reliably. Errors are sentences about the place, without a line end, and never hold the password.
tl::expected<std::string, std::string> password_from_environment(const std::string& variable);
/// The first line of the file.
tl::expected<std::string, std::string> password_from_file(const std::string& path);

}  // namespace smtpspec::run
