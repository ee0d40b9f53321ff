#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "harness/run/result.hpp"

namespace smtpspec::run {

/// One waiver: what is known to be wrong, and why it is accepted for now. `id` is a glob over "scenario[a=x]"
/// or ids.
struct Waiver {
    std::string id, endpoint, client;  ///< globs; empty: any; endpoint: who was tested, a client as well
    std::vector<std::pair<std::string, std::string>> params;  ///< name and glob; all of them have to fit
    std::vector<int> ports;                                   ///< empty: any
    std::optional<Verdict> verdict;
    std::string outcome;      ///< empty: any
    std::string reason;       ///< mandatory
    std::string link, owner;  ///< where it is worked on, and by whom; "" unknown
    std::string expires;      ///< the last day on which it counts, "2027-01-31"; "": none
};

/// Reads `waivers: [{id: …, params: {…}, endpoint: …, client: …, ports: […], verdict: …, outcome: …, reason:
/// …, link: …, owner: …, expires: …}]`. Errors are complete messages.
tl::expected<std::vector<Waiver>, std::string> load_waivers(std::string_view text,
                                                            const std::string& file_name);

/// What can be accepted: fail, vulnerable, warn and inconclusive.
bool is_waivable(Verdict verdict);

/// Annotates the cells: a cell whose verdict and outcome a waiver names is waived (no longer red). Where a
/// waiver covers no cell, although cells that it names were judged and passed, these are unexpected passes;
/// not for a waiver of a verdict that is not red, and not while a cell that it names is without verdict. The
/// first waiver that fits a cell counts. One that has expired by `today` ("2027-01-31", what is behind it is
/// not looked at; "": unknown) counts for nothing, and its cell is red; it and a waiver that names a red
/// cell, but not this way of failing, are Cell::waiver_problem.
void apply_waivers(const std::vector<Waiver>& waivers, std::vector<Cell>& cells, std::string_view today = {});

/// Takes back what only all cells of a run can tell.
void forget_unexpected_passes(std::vector<Cell>& cells);

/// A sentence for each waiver that names no cell: probably a typing mistake, when all cells were asked for.
std::vector<std::string> unused_waivers(const std::vector<Waiver>& waivers, const std::vector<Cell>& cells);

}  // namespace smtpspec::run
