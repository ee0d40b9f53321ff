#pragma once

#include <string_view>

namespace smtpspec::script {

/// `*` is any run of octets, `?` any one octet; nothing else is special. Linear in text times number of
/// stars.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace smtpspec::script
