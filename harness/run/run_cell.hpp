#pragma once

#include "harness/run/context.hpp"
#include "harness/run/result.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::run {

/// A judged cell and what the script itself gave, which the self-test judges again.
struct CellRun {
    Cell cell;
    script::ScriptResult script;
    bool decided_by_end = false;  ///< its outcome hangs on a connection that ended or could not be made
};

/// Runs one cell and judges it. Never throws: a bug becomes the verdict `error` of this cell. `context` and
/// `cell` outlive the coroutine; the executor's thread does everything.
wire::Awaitable<CellRun> run_cell(const RunContext& context, const PlannedCell& planned);

/// A cell that has its verdict without having run (budget, fixture, port that cannot be reached).
Cell preset_cell(const RunContext& context,
                 const PlannedCell& planned,
                 Verdict verdict,
                 const std::string& reason,
                 std::string error_kind);

}  // namespace smtpspec::run
