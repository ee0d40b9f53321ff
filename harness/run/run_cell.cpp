#include "harness/run/run_cell.hpp"

#include "harness/run/client_environment.hpp"
#include "harness/run/embedded_server.hpp"
#include "harness/run/evidence.hpp"
#include "harness/run/judge.hpp"
#include "harness/run/sanity.hpp"
#include "harness/run/server_environment.hpp"
#include "protocol/script/eval.hpp"
#include "protocol/script/interpreter.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace asio = boost::asio;

namespace {

/// What does not depend on how the cell went.
Cell blank_cell(const RunContext& context, const PlannedCell& planned) {
    const script::Head& head = planned.scenario->head;
    Cell cell;
    cell.scenario = head.id.text;
    cell.rev = static_cast<int>(head.rev);
    cell.title = head.title.text;
    cell.fail_means = head.fail_means.text;
    cell.covers = script::covered_by(head, planned.params);
    cell.params = planned.params.values;
    cell.side = head.side;
    if (head.side == script::Side::Server) {
        cell.endpoint = context.profile.name;
    } else {
        cell.client = "reference";
    }
    cell.port = planned.port;
    cell.mode = std::string(script::to_string(planned.mode));
    cell.level = std::string(script::to_string(head.level));
    cell.severity = std::string(script::to_string(head.severity));
    for (const auto& ref : head.refs) {
        cell.refs.push_back(ref.text);
    }
    return cell;
}

bool uses_store(const script::ScriptResult& result) {
    for (const auto& measured : result.measurements) {
        if (measured.name.find("copies") != std::string::npos ||
            measured.name.find("store.") != std::string::npos) {
            return true;
        }
    }
    return false;
}

/// A million reply lines are evidence in the transcript, not in a sentence.
std::string shortened(std::string text) {
    constexpr std::size_t most = 400;
    if (text.size() > most) {
        const std::size_t left_out = text.size() - most;
        text.resize(most);
        text += fmt::format(" … ({} more octets)", left_out);
    }
    return text;
}

void fill(Cell& cell,
          const script::Head& head,
          const script::ScriptResult& result,
          const wire::Transcript& transcript,
          const wire::Masker& masker) {
    Judgement judgement = judge(head, result);
    if (judgement.verdict != Verdict::Pass && !judgement.outcome.empty()) {
        judgement.got = what_came(result, judgement.outcome, transcript);
    }
    if (judgement.verdict == Verdict::Unsupported && !judgement.got.empty()) {
        judgement.reason = judgement.got;
    }
    cell.verdict = judgement.verdict;
    cell.outcome = judgement.outcome;
    cell.severity = std::string(script::to_string(judgement.severity));
    cell.reason = masker.by_value(judgement.reason);
    cell.expected = masker.by_value(judgement.expected);
    cell.got = shortened(masker.by_value(judgement.got));
    cell.evidence = uses_store(result) ? "mailbox" : "wire";
    for (const auto& reached : result.labels) {
        cell.labels.push_back(LabelReached{reached.label,
                                           static_cast<int>(reached.at.line),
                                           reached.transcript_first,
                                           reached.transcript_last});
    }
    std::map<std::string, int> times;  // a measurement in a loop comes again: "round", "round #2", …
    for (const auto& measured : result.measurements) {
        const int time = ++times[measured.name];
        cell.measurements.emplace_back(time == 1 ? measured.name : fmt::format("{} #{}", measured.name, time),
                                       masker.by_value(measured.value));
    }
}

void mark_error(Cell& cell, const std::string& what) {
    cell.verdict = Verdict::Error;
    cell.reason = "our own fault: " + what;
    cell.error_kind = "internal";
}

/// A connection that could not be made is the endpoint's trouble, never a result (real-peers.md).
void note_unreachable(Cell& cell, const ServerEnvironment& environment) {
    const auto& problem = environment.connect_error();
    if (!problem || is_red(cell.verdict)) {
        return;
    }
    cell.verdict = Verdict::Inconclusive;
    cell.outcome.clear();
    cell.reason = problem->what;
    cell.error_kind = "died";
}

/// A port that the user did not ask for, or the profile does not have, is not missing.
void note_port_not_in_run(Cell& cell, const ServerEnvironment& environment) {
    const int port = environment.missing_port();
    if (port == 0 || (cell.verdict != Verdict::Warn && cell.verdict != Verdict::Fail)) {
        return;
    }
    cell.verdict = Verdict::Unsupported;
    cell.outcome.clear();
    cell.reason = fmt::format("port {}, which this asks for, is not part of this run", port);
}

/// True when it was this reply that reached the outcome of a pass: a scenario that asks for the limit has
/// found it.
bool was_asked_for(const Cell& cell, const LimitReply& limit) {
    return cell.verdict == Verdict::Pass &&
           std::any_of(cell.labels.begin(), cell.labels.end(), [&](const LabelReached& reached) {
               return reached.label == cell.outcome && reached.transcript_first <= limit.entry &&
                      limit.entry <= reached.transcript_last;
           });
}

void note_rate_limit(Cell& cell, const RunContext& context, const wire::Transcript& transcript) {
    if (context.embedded()) {
        return;
    }
    const auto limit = rate_limit_reply(transcript.entries(), context.profile.facts);
    if (!limit || was_asked_for(cell, *limit)) {
        return;
    }
    cell.error_kind = "rate-limited";  // the run pauses in any case
    if (cell.verdict == Verdict::Vulnerable) {
        return;  // that was seen on the wire, whatever was said beside it
    }
    cell.verdict = Verdict::Inconclusive;
    cell.outcome.clear();
    cell.reason = fmt::format("rate-limited: the endpoint answered \"{}\"", limit->line);
}

/// Where TLS never works, "the command was not executed inside TLS" is true and proves nothing.
void doubt_pass_without_tls(const RunContext& context,
                            const PlannedCell& planned,
                            const wire::Transcript& transcript,
                            Cell& cell) {
    const auto problem = context.tls_problems.find(cell.port);
    const auto& modes = planned.scenario->head.modes;
    const bool about_tls = std::all_of(
        modes.begin(), modes.end(), [](script::Mode mode) { return mode == script::Mode::Starttls; });
    if (cell.verdict != Verdict::Pass || problem == context.tls_problems.end() || !about_tls) {
        return;
    }
    const auto& entries = transcript.entries();
    if (std::any_of(entries.begin(), entries.end(), [](const wire::Entry& entry) {
            return entry.kind == wire::EntryKind::tls;
        })) {
        return;
    }
    cell.verdict = Verdict::Inconclusive;
    cell.outcome.clear();
    cell.reason = "nothing is proved where TLS does not begin: " + problem->second;
    cell.error_kind = "no-tls";
}

std::unique_ptr<script::StoreOracle> mailbox_of(const RunContext& context,
                                                const asio::any_io_executor& executor) {
    if (context.profile.mailbox.empty()) {
        return nullptr;
    }
    return std::make_unique<MaildirStore>(executor, context.profile.mailbox, std::chrono::milliseconds(300));
}

wire::Awaitable<void> run_foreign(const RunContext& context,
                                  const PlannedCell& planned,
                                  wire::Transcript& transcript,
                                  CellRun& run) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    ServerEnvironment environment(
        context, planned, executor, transcript, context.addresses, mailbox_of(context, executor));
    run.script = co_await script::run_script(*planned.scenario, planned.params, environment);
    fill(run.cell, planned.scenario->head, run.script, transcript, context.masker);
    note_unreachable(run.cell, environment);
    note_port_not_in_run(run.cell, environment);
    note_rate_limit(run.cell, context, transcript);
    doubt_pass_without_tls(context, planned, transcript, run.cell);
    run.decided_by_end =
        environment.connect_error().has_value() || decided_by_end(run.script, run.cell.outcome, transcript);
    const bool broke_off = run.script.end != script::ScriptEnd::finished;
    co_await check_sane_after(context, run.cell, run.decided_by_end, broke_off, environment.connections());
}

std::map<int, asio::ip::tcp::endpoint> addresses_of(const mock::Server& server) {
    std::map<int, asio::ip::tcp::endpoint> addresses;
    for (const mock::PortInfo& port : server.ports()) {
        addresses[port.logical] = asio::ip::tcp::endpoint(asio::ip::make_address(port.address), port.actual);
    }
    return addresses;
}

wire::Awaitable<void> run_embedded_server(const RunContext& context,
                                          const PlannedCell& planned,
                                          wire::Transcript& transcript,
                                          CellRun& run) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    mock::Server server(executor, embedded_server_config(context, planned), context.pki);
    if (auto up = server.start(); !up) {
        mark_error(run.cell, up.error());
        co_return;
    }
    std::exception_ptr thrown;
    try {
        auto store = std::make_unique<EmbeddedStore>(server.store(), std::chrono::milliseconds(20));
        ServerEnvironment environment(
            context, planned, executor, transcript, addresses_of(server), std::move(store));
        run.script = co_await script::run_script(*planned.scenario, planned.params, environment);
        fill(run.cell, planned.scenario->head, run.script, transcript, context.masker);
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await server.stop();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

/// The head's `client:` and `dns:` with their insertions made; lists are joined by line feeds.
std::map<std::string, std::string> client_values(const PlannedCell& planned,
                                                 script::Environment& environment) {
    std::map<std::string, std::string> values;
    for (const script::ClientEntry& entry : planned.scenario->head.client) {
        std::string joined;
        for (std::size_t i = 0; i < entry.values.size(); ++i) {
            joined +=
                (i == 0 ? "" : "\n") +
                script::expand_for_cell(entry.values[i], *planned.scenario, planned.params, environment);
        }
        values[entry.key] = joined;
    }
    if (const auto& zone = planned.scenario->head.dns) {
        values["dns"] = script::expand_for_cell(*zone, *planned.scenario, planned.params, environment);
    }
    return values;
}

/// The word of `needs` that the client lacks, or "".
std::string missing_feature(const script::Head& head, const std::set<std::string>& features) {
    for (const auto& word : head.needs) {
        static const std::set<std::string> asked_of_clients = {
            "queue", "reuse", "retry", "api", "dns", "dnssec"};
        if (asked_of_clients.count(word.text) > 0 && features.count(word.text) == 0) {
            return word.text;
        }
    }
    return {};
}

wire::Awaitable<void> run_client(const RunContext& context,
                                 const PlannedCell& planned,
                                 wire::Transcript& transcript,
                                 wire::Masker& masker,
                                 CellRun& run) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    ClientEnvironment environment(context, planned, executor, transcript, masker);
    const auto values = client_values(planned, environment);
    if (const auto secret = values.find("secret"); secret != values.end()) {
        masker.add(secret->second);
    }
    if (auto up = environment.start(values); !up) {
        mark_error(run.cell, up.error());
        co_return;
    }
    if (const std::string missing = missing_feature(planned.scenario->head, environment.features());
        !missing.empty()) {
        run.cell.verdict = Verdict::Unsupported;
        run.cell.reason = fmt::format("the client has no \"{}\"", missing);
        co_await environment.finish();
        co_return;
    }
    std::exception_ptr thrown;
    try {
        run.script = co_await script::run_script(*planned.scenario, planned.params, environment);
        fill(run.cell, planned.scenario->head, run.script, transcript, masker);
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await environment.finish();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

void keep_transcript(const RunContext& context, const wire::Transcript& transcript, Cell& cell) {
    const bool wanted =
        context.options.transcripts == KeepTranscripts::all ||
        (context.options.transcripts == KeepTranscripts::failed && cell.verdict != Verdict::Pass);
    if (wanted) {
        cell.transcript = transcript.entries();
    }
}

}  // namespace

wire::Awaitable<CellRun> run_cell(const RunContext& context, const PlannedCell& planned) {
    CellRun run;
    run.cell = blank_cell(context, planned);
    Cell& cell = run.cell;
    if (planned.preset) {
        cell.verdict = *planned.preset;
        cell.reason = planned.preset_reason;
        co_return run;
    }
    wire::Masker masker = context.masker;
    wire::Transcript transcript(&masker);
    const auto begin = wire::Clock::now();
    try {
        if (planned.scenario->head.side == script::Side::Client) {
            transcript.we_are(wire::Side::server);
            co_await run_client(context, planned, transcript, masker, run);
        } else if (context.embedded()) {
            co_await run_embedded_server(context, planned, transcript, run);
        } else {
            co_await run_foreign(context, planned, transcript, run);
        }
    } catch (const std::exception& bug) {
        mark_error(cell, masker.by_value(bug.what()));
    }
    cell.duration_us =
        std::chrono::duration_cast<std::chrono::microseconds>(wire::Clock::now() - begin).count();
    keep_transcript(context, transcript, cell);
    co_return run;
}

Cell preset_cell(const RunContext& context,
                 const PlannedCell& planned,
                 Verdict verdict,
                 const std::string& reason,
                 std::string error_kind) {
    Cell cell = blank_cell(context, planned);
    cell.verdict = verdict;
    cell.reason = context.masker.by_value(reason);
    cell.error_kind = std::move(error_kind);
    return cell;
}

}  // namespace smtpspec::run
