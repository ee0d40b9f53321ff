#pragma once

#include "harness/run/context.hpp"
#include "harness/run/result.hpp"
#include "protocol/wire/connection.hpp"

namespace smtpspec::run {

/// design.md §4: a clean conversation after it tells a failed test from a peer that is broken anyway, and a
/// connection that was closed on purpose from one that died. What is vulnerable was seen on the wire and
/// stays.
/// `decided_by_end`: the outcome hangs on a connection that ended; `broke_off`: the script did not come to
/// its end; `connections`: how many it asked for. `context` and `cell` outlive the coroutine.
wire::Awaitable<void> check_sane_after(
    const RunContext& context, Cell& cell, bool decided_by_end, bool broke_off, int connections);

}  // namespace smtpspec::run
