#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

#include "harness/report/report.hpp"
#include "harness/run/result.hpp"

/// Did anything get worse between two results of `run`? docs/result.md, "Comparing".
namespace smtpspec::report {

/// What became of a cell. Only `worse` and `gone` turn a gate red.
enum class Movement {
    same,
    worse,     ///< what was fine is wrong, unknown or not offered any more; or it is wrong in a worse way; or
               ///< a waiver has expired, or accepts what is no longer wrong
    gone,      ///< in OLD only
    fixed,     ///< what was wrong or unknown is fine
    shifted,   ///< pass, tolerated or warn, and another of them now
    changed,   ///< another verdict that is neither better nor worse; or it fails in another way
    waived,    ///< it is wrong, and a waiver of NEW accepts that
    revised,   ///< the rule itself has changed (rev), so that the verdicts cannot be compared
    appeared,  ///< in NEW only
};
/// "worse", "gone", …
std::string_view to_string(Movement movement);

/// One cell in both results.
struct CellChange {
    Movement movement = Movement::same;
    script::Side side = script::Side::Server;
    std::string who;   ///< endpoint or client, as NEW calls it
    std::string name;  ///< Cell::name()
    int port = 0;
    std::string before, after;  ///< words of the verdicts, "" where the cell is missing
    std::string why;     ///< what NEW says about it, or why it is missing; "" when same; as in the document
    bool flaky = false;  ///< NEW came to it only when the cell was run again
};

struct VerdictComparison {
    std::vector<CellChange> cells;  ///< in the order of OLD, then what appeared
    std::vector<std::string> notices;

    std::size_t count(Movement movement) const;
    bool worse() const { return count(Movement::worse) > 0 || count(Movement::gone) > 0; }
    /// False when no cell of OLD could be compared with one of NEW.
    bool has_common() const { return cells.size() > count(Movement::appeared) + count(Movement::gone); }
};

/// Cells are the same when scenario, parameters, port and who was tested are; where each result has one
/// endpoint (one client), its name does not matter.
VerdictComparison compare(const run::Result& before, const run::Result& after);

/// What is worse, then the rest of what changed, then the counts. `all`: also what is the same.
std::string to_text(const VerdictComparison& comparison, const RenderOptions& options, bool all);
/// For $GITHUB_STEP_SUMMARY and merge requests.
std::string to_markdown(const VerdictComparison& comparison, bool all);
/// The member "verdicts" of smtpspec.comparison/1.
nlohmann::ordered_json to_json(const VerdictComparison& comparison);

}  // namespace smtpspec::report
