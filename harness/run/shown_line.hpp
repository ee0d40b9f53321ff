#pragma once

#include <string>
#include <string_view>

namespace smtpspec::run {

/// A line of a file with a mistake in it, and a caret below the octet at `column`; both indented and ended.
/// `line` and `column` count from 0; what is not there is shown as empty. Escaped, at most about 70 columns
/// around the caret. What stands behind a key that sounds like a secret (pass…, secret, key, token; not
/// password_env and password_file) is left out.
std::string shown_line(std::string_view source, int line, int column);

}  // namespace smtpspec::run
