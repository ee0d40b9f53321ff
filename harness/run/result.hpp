#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "harness/document/shard_note.hpp"
#include "protocol/script/words.hpp"
#include "protocol/wire/transcript.hpp"

namespace smtpspec::run {

/// What one cell came to (design.md §2). `Error` is ours or the adapter's fault.
using script::Verdict;

/// True for the verdicts that turn a run red: fail, vulnerable.
bool is_red(Verdict verdict);

/// One label that was reached, as the result keeps it.
struct LabelReached {
    std::string label;
    int line = 0;  ///< of the scenario file
    std::size_t transcript_first = 0, transcript_last = 0;
};

/// A waiver that names a cell (annotation, not a verdict).
struct WaiverNote {
    std::string reason;
    std::string id;  ///< the glob that matched
    std::string link{}, owner{},
        expires{};  ///< "" without; expires: the last day on which it counts, "2027-01-31"
};

/// An earlier try of a cell that was run again: `--retries`, or a connection that was lost.
struct Attempt {
    Verdict verdict = Verdict::Inconclusive;
    std::string outcome, reason;
    std::int64_t duration_us = 0;
    std::vector<wire::Entry> transcript;
};

/// One cell with its verdict and evidence. Everything a report needs to show it without the scenario file.
struct Cell {
    std::string scenario;
    int rev = 1;
    std::string title;
    std::string fail_means;           ///< what people notice when the peer fails; "" in older documents
    std::vector<std::string> covers;  ///< requirement ids that this cell settles, without the scenario's own
    std::vector<std::pair<std::string, std::string>> params;
    script::Side side = script::Side::Server;
    std::string endpoint;  ///< side server: who was tested
    std::string client;    ///< side client: who was tested
    int port = 0;          ///< logical port; 0: all ports together
    std::string mode;      ///< starttls, tls, plain
    Verdict verdict = Verdict::Error;
    std::string outcome;  ///< the label that decided, "" if none
    std::string level, severity;
    std::vector<std::string> refs;
    std::string evidence;       ///< wire, reply count, mailbox
    std::string reason;         ///< one sentence: why this verdict
    std::string expected, got;  ///< for people; "" when pass
    std::vector<LabelReached> labels;
    std::vector<std::pair<std::string, std::string>> measurements;
    std::int64_t duration_us = 0;
    std::vector<wire::Entry> transcript;  ///< may be left out (--transcripts)
    std::optional<WaiverNote> waiver;
    /// Why a waiver that names the cell does not count: it has expired, or the cell is wrong in another way;
    /// "" else. `expired_waiver`: the first of the two, which turns a run red.
    std::string waiver_problem;
    bool expired_waiver = false;
    std::vector<Attempt> attempts;  ///< before the one that counts, in their order
    bool unexpected_pass = false;   ///< xpass: a waiver says fail, it passed
    std::string
        error_kind;  ///< for unreachable, died, rate-limited, budget …: a word for exit codes; else ""

    /// "scenario[a=x,b=y]" without port.
    std::string name() const;
    /// An earlier attempt came to another verdict.
    bool is_flaky() const;
};

/// What a command needs to run a cell again, besides --only and --port: options with their values, and the
/// operand as "endpoint".
using Rerun = std::vector<std::pair<std::string, std::string>>;

/// The endpoint as the result shows it: no secrets.
struct EndpointInfo {
    std::string name, host;
    std::map<int, std::string> ports;  ///< logical port -> mode
    bool embedded = false;
    std::optional<Rerun> rerun{};  ///< of its cells, where those of others need another (merge)
};

struct ClientInfo {
    std::string name, version;
    std::optional<Rerun> rerun{};  ///< as EndpointInfo
};

/// One run. Immutable once written; every report is a function of it (`smtpspec.result/1`,
/// docs/result.schema.json).
struct Result {
    std::string tool_version;
    std::string command;  ///< arguments as given, secrets never among them
    std::uint64_t seed = 0;
    std::string started;  ///< RFC 3339, UTC
    std::int64_t duration_us = 0;
    bool interrupted = false;
    std::vector<EndpointInfo> endpoints;
    std::vector<ClientInfo> clients;
    std::vector<Cell> cells;
    int left_out_slow = 0, left_out_intrusive = 0,
        left_out_budget = 0;                   ///< cells that were planned out, shown in reports
    std::vector<std::string> notices;          ///< lines for people
    Rerun rerun;                               ///< of cells whose endpoint or client has none of its own
    std::optional<document::ShardNote> shard;  ///< nothing: the whole

    const Rerun& rerun_of(const Cell& cell) const;

    std::map<Verdict, int> summary() const;
};

/// Result <-> JSON. Octets of transcripts are text where valid UTF-8 (escaped otherwise) plus base64 when
/// not.
nlohmann::ordered_json to_json(const Result& result);
tl::expected<Result, std::string> result_from_json(const nlohmann::ordered_json& document);

/// design.md §6: the first that applies. `allow_inconclusive` is a share 0..1 of judged cells.
int exit_code(const Result& result, double allow_inconclusive);

}  // namespace smtpspec::run
