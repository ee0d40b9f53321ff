#pragma once

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

namespace smtpspec::run {

/// More than any profile, rule file or list of waivers is.
constexpr std::size_t small_input = 1UL << 20;
/// More than any result document is.
constexpr std::size_t large_input = 1UL << 28;

/// The whole of a file (or pipe). Error: a sentence without a line end that names `what` and `path`: it
/// cannot be read, is a folder, or holds more than `most` octets (as a device may, for ever).
tl::expected<std::string, std::string> read_input(const std::string& path,
                                                  const std::string& what,
                                                  std::size_t most = small_input);

}  // namespace smtpspec::run
