#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtpspec::script {

/// The known word that was probably meant, by edit distance; empty if none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

/// `did you mean "x"?`, or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

/// `a, b or c`.
std::string any_of(const std::vector<std::string>& words);

}  // namespace smtpspec::script
