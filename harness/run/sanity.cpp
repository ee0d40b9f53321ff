#include "harness/run/sanity.hpp"

#include "harness/run/probe.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

namespace {

bool talks(const PortProbe& probe) {
    return probe.usable() || probe.state == PortProbe::State::wrong_mode ||
           probe.state == PortProbe::State::no_tls;
}

void not_sane_after(Cell& cell, bool unexplained, const std::string& trouble) {
    cell.reason = unexplained ? fmt::format("{}; and not sane after it: {}", cell.reason, trouble)
                              : fmt::format("not sane after it: {} (it had looked like {}: {})",
                                            trouble,
                                            script::to_string(cell.verdict),
                                            cell.outcome);
    cell.verdict = Verdict::Inconclusive;
    cell.outcome.clear();
    cell.error_kind = "died";
}

/// Many servers limit the connections of one client. "" when a clean conversation succeeds beside one that is
/// open.
wire::Awaitable<std::string> second_connection_trouble(const RunContext& context, int port) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    wire::Transcript transcript(&context.masker);
    wire::Connection first(executor, transcript);
    const auto limit = wire::Clock::now() + std::chrono::seconds(8);
    const auto connected = co_await first.connect(context.addresses.at(port), limit);
    if (!connected) {
        co_return connected.error().what;
    }
    if (context.profile.ports.at(port) != script::Mode::Tls) {
        co_await first.receive(limit);  // its greeting: now it counts
    }
    const PortProbe second = co_await probe_port(context, port);
    co_await first.close(wire::Clock::now() + std::chrono::milliseconds(500));
    co_return second.usable() ? std::string() : second.detail;
}

}  // namespace

wire::Awaitable<void> check_sane_after(
    const RunContext& context, Cell& cell, bool decided_by_end, bool broke_off, int connections) {
    const bool unexplained = cell.verdict == Verdict::Inconclusive && broke_off && cell.error_kind.empty();
    const bool doubtful = cell.verdict == Verdict::Fail || cell.verdict == Verdict::Warn ||
                          (decided_by_end && cell.verdict != Verdict::Inconclusive) || unexplained;
    if (!doubtful || cell.verdict == Verdict::Vulnerable) {
        co_return;
    }
    PortProbe after = co_await probe_port(context, cell.port);
    if (!talks(after)) {
        after = co_await probe_port(context, cell.port);  // one lost connection is no dead server
    }
    if (!talks(after)) {
        not_sane_after(cell, unexplained, after.detail);
    } else if (decided_by_end && connections > 1 && cell.verdict != Verdict::Inconclusive) {
        std::string trouble = co_await second_connection_trouble(context, cell.port);
        if (!trouble.empty()) {
            trouble = co_await second_connection_trouble(context, cell.port);
        }
        if (!trouble.empty()) {
            not_sane_after(
                cell, unexplained, "a second connection at the same time is not served: " + trouble);
        }
    }
}

}  // namespace smtpspec::run
