#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/run/result.hpp"

/// What the matrix of one subject says, before it is laid out for a terminal or a page.
namespace smtpspec::report {

using Cells = std::vector<const run::Cell*>;

/// What stands in one field: one cell for all of them (the worst), a count where all are green, or nothing.
struct Field {
    const run::Cell* cell = nullptr;
    std::size_t passed = 0;  ///< of a count
    std::size_t voids = 0;   ///< of a count: unsupported or skipped

    bool is_empty() const { return cell == nullptr && passed == 0 && voids == 0; }
};

/// One line of the matrix.
struct Row {
    int depth = 0;              ///< 0: group, 1: scenario, 2: parameters
    std::string label;          ///< safe to show
    std::string note;           ///< of a group: "3 scenarios"
    std::vector<Field> fields;  ///< one for each port; none: a heading for the rows that follow
};

/// A row per group (all green) or scenario. A scenario whose parameters differ has a row for each that is not
/// green.
std::vector<Row> matrix_rows(const Cells& cells, const std::vector<int>& ports);

/// The ports in ascending order, the column for all of them together (0) last.
std::vector<int> matrix_ports(const Cells& cells);

/// "587"; "all" for 0.
std::string port_heading(int port);

/// "starttls 25 587 2587, tls 465 2465".
std::string modes_text(const Cells& cells);

}  // namespace smtpspec::report
