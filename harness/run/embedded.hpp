#pragma once

#include <span>
#include <string_view>

namespace smtpspec::run {

/// One file of scenarios/ that is part of the program; `name` is relative to that folder.
struct EmbeddedFile {
    std::string_view name;
    std::string_view text;
};

/// All embedded files, sorted by name. Generated at build time (cmake/embed.cmake). Any thread.
std::span<const EmbeddedFile> embedded_files();

}  // namespace smtpspec::run
