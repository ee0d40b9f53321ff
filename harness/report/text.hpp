#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/report/report.hpp"

/// Laying out text for a terminal: columns, wrapping, colour. Everything takes text that has been through
/// smtp::printable already.
namespace smtpspec::report {

/// Columns that the text takes: East Asian wide characters and pictures take two, everything else one
/// (combining marks too, so the answer is never too small).
int columns(std::string_view text);

/// The text, cut to `width` columns with "…" as the last one when it is longer. Never within a character.
std::string cut(std::string_view text, int width);

/// The text, cut to `width` and filled with blanks: at its end, or (`pad_left`) before it.
std::string pad(std::string_view text, int width);
std::string pad_left(std::string_view text, int width);

/// The text in lines of at most `width` columns, broken at blanks; a word that is longer than a line is
/// broken within. At least one line.
std::vector<std::string> wrap(std::string_view text, int width);

/// How much of a hostile text is looked at; what is behind it is left out and counted.
inline constexpr std::size_t longest_text = 600;

/// A text of the result document (a reason, a title) made safe to show, at most `longest_text` octets of it.
std::string safe(std::string_view text);

/// What a piece of text means; the colour follows from it.
enum class Tone { plain, good, mild, bad, worst, odd, faint, strong };

/// The text in the colour of its tone, or as it is.
std::string paint(std::string_view text, Tone tone, Colour colour);

/// "1 cell", "2 cells".
std::string counted(std::size_t count, std::string_view one, std::string_view many);

/// The numbers with commas between them.
std::string joined(const std::vector<std::string>& parts, std::string_view between);

}  // namespace smtpspec::report
