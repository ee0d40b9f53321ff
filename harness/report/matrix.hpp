#pragma once

#include <string>
#include <vector>

#include "harness/report/report.hpp"

namespace smtpspec::report {

/// The cells of one endpoint or one client, in the order of the document.
struct Subject {
    script::Side side = script::Side::Server;
    std::string name;
    std::vector<const run::Cell*> cells;
};

/// Everybody under test: the endpoints first, then the clients.
std::vector<Subject> subjects(const run::Result& result);

/// "server resend (smtp.resend.com)", "client reference 0.1.0".
std::string describe(const Subject& subject, const run::Result& result);

/// "port 587", "ports 25, 587", "all ports together".
std::string ports_text(const std::vector<int>& ports);

/// The matrix of one subject: heading, a column per port, a row per group (all green) or scenario. A scenario
/// whose parameters differ has a row for each that is not green.
std::string render_matrix(const Subject& subject, const run::Result& result, const RenderOptions& options);

/// What the symbols that occur in this document mean.
std::string render_legend(const run::Result& result, const RenderOptions& options);

}  // namespace smtpspec::report
