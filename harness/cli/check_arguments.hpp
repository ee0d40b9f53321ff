#pragma once

#include <string>
#include <vector>

#include "harness/cli/arguments.hpp"
#include "harness/run/profile.hpp"

namespace smtpspec::cli {

/// What is wrong with the words before they are parsed: an empty one (a variable of the caller that is not
/// set would otherwise choose the embedded server, or everything), or a command that there is not. "" or a
/// sentence.
std::string wrong_words(const std::vector<std::string>& commands, int argc, const char* const* argv);

/// What the parsed options cannot mean together: an output that would overwrite an input or another output,
/// options of a foreign endpoint without one. "" or a sentence.
std::string contradiction(const Arguments& arguments);

/// An output that would overwrite a file which the profile names. "" or a sentence.
std::string overwrites_files_of(const run::Profile& profile, const Arguments& arguments);

}  // namespace smtpspec::cli
