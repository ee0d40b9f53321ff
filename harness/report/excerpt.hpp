#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/run/result.hpp"

namespace smtpspec::report {

/// One line of a transcript for people.
struct ExcerptLine {
    std::string time;        ///< ms since the transcript began; "" for the later lines of one write or read
    std::string connection;  ///< "a", "b" … when the cell has more than one connection, else ""
    bool inside_tls = false;
    std::string text;  ///< "C: EHLO there", "S: 250 ok", "-- TLS 1.3": safe to show
};

/// What to take from a transcript.
struct ExcerptLimits {
    std::size_t lines = 12;    ///< at most, at least 4; the line about what was left out not counted
    std::size_t octets = 300;  ///< of one line
};

/// The lines around what decided the cell's verdict: the entries of its label, with what was said before.
/// Without a label, the end of the transcript.
std::vector<ExcerptLine> excerpt(const run::Cell& cell, const ExcerptLimits& limits);

/// The lines with their columns laid out.
std::vector<std::string> lay_out(const std::vector<ExcerptLine>& lines);

}  // namespace smtpspec::report
