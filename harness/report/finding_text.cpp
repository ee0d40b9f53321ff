#include "harness/report/finding_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/report/matrix.hpp"
#include "harness/report/symbol.hpp"
#include "harness/report/text.hpp"

namespace smtpspec::report {

namespace {

std::vector<int> ports_of(const std::vector<const run::Cell*>& cells) {
    std::set<int> ports;
    for (const run::Cell* cell : cells) {
        ports.insert(cell->port);
    }
    return {ports.begin(), ports.end()};
}

std::set<std::string> modes_of(const std::vector<const run::Cell*>& cells) {
    std::set<std::string> modes;
    for (const run::Cell* cell : cells) {
        if (cell->port != 0 && !cell->mode.empty()) {
            modes.insert(safe(cell->mode));
        }
    }
    return modes;
}

std::set<std::string> names_of(const Finding& finding) {
    std::set<std::string> names;
    for (const run::Cell* cell : finding.cells) {
        names.insert(cell->name());
    }
    return names;
}

/// "fail, MUST, severity high, outcome executed".
std::string judgement_text(const run::Cell& cell) {
    std::vector<std::string> parts = {verdict_word(cell)};
    if (!cell.level.empty()) {
        parts.push_back(safe(cell.level));
    }
    if (!cell.severity.empty()) {
        parts.push_back("severity " + safe(cell.severity));
    }
    if (!cell.outcome.empty()) {
        parts.push_back("outcome " + safe(cell.outcome));
    }
    if (!cell.error_kind.empty()) {
        parts.push_back("cause " + safe(cell.error_kind));
    }
    return joined(parts, ", ");
}

/// "[eod=lf-dot-lf] (port 25), …": the other parameter values that this finding is about.
std::string others_text(const Finding& finding) {
    std::map<std::string, std::vector<const run::Cell*>> by_name;
    for (const run::Cell* cell : finding.cells) {
        by_name[cell->name()].push_back(cell);
    }
    std::vector<std::string> parts;
    for (const auto& [name, cells] : by_name) {
        if (name != finding.shown().name()) {
            parts.push_back(
                fmt::format("{} {}", safe(name.substr(finding.shown().scenario.size())), where(cells)));
        }
    }
    return joined(parts, "; ");
}

std::vector<const run::Cell*> like_the_shown(const Finding& finding) {
    std::vector<const run::Cell*> cells;
    std::copy_if(
        finding.cells.begin(), finding.cells.end(), std::back_inserter(cells), [&](const run::Cell* cell) {
            return cell->name() == finding.shown().name();
        });
    return cells;
}

bool is_short(const run::Cell& cell) {
    return !cell.unexpected_pass && cell.verdict == run::Verdict::Tolerated;
}

std::string waiver_text(const run::Cell& cell) {
    return !cell.waiver_problem.empty() ? safe(cell.waiver_problem)
           : cell.unexpected_pass && cell.waiver
               ? fmt::format("nothing that \"{}\" names ({}) is wrong any longer: remove the waiver",
                             safe(cell.waiver->id),
                             safe(cell.waiver->reason))
               : "";
}

std::string got_text(const run::Cell& cell) { return safe(cell.got.empty() ? cell.outcome : cell.got); }

std::string why_text(const run::Cell& cell) {
    return cell.reason == cell.got ? std::string() : safe(cell.reason);
}

FindingKind kind_of(const Finding& finding) {
    if (is_short(finding.shown())) {
        return FindingKind::brief;
    }
    return finding.cells.size() > 1 && is_about_the_port(finding.shown()) ? FindingKind::port
                                                                          : FindingKind::full;
}

std::vector<std::string> safe_refs(const run::Cell& cell) {
    std::vector<std::string> refs;
    std::transform(cell.refs.begin(), cell.refs.end(), std::back_inserter(refs), [](const std::string& ref) {
        return safe(ref);
    });
    return refs;
}

}  // namespace

bool is_about_the_port(const run::Cell& cell) {
    const bool port = cell.error_kind == "unreachable" || cell.error_kind == "died" ||
                      cell.error_kind == "wrong-mode" || cell.error_kind == "login-refused";
    return port && cell.outcome.empty() && cell.transcript.empty();
}

std::string where(const std::vector<const run::Cell*>& cells) {
    const std::set<std::string> modes = modes_of(cells);
    const std::string text = ports_text(ports_of(cells));
    return modes.empty() ? text : fmt::format("{} ({})", text, joined({modes.begin(), modes.end()}, ", "));
}

std::string finding_name(const Finding& finding) {
    return names_of(finding).size() == 1 ? finding.shown().name() : finding.shown().scenario;
}

std::string means_text(const run::Cell& cell) {
    const bool failed = run::is_red(cell.verdict) || cell.verdict == run::Verdict::Warn;
    return failed ? safe(cell.fail_means) : "";
}

FindingText text_of(const Finding& finding) {
    const run::Cell& cell = finding.shown();
    FindingText text;
    text.kind = kind_of(finding);
    text.why = why_text(cell);
    if (text.kind == FindingKind::port) {
        text.name = counted(finding.cells.size(), "cell", "cells");
        text.where = where(finding.cells);
        text.verdict = std::string(script::to_string(cell.verdict)) + ", cause " + safe(cell.error_kind);
        return text;
    }
    const bool brief = text.kind == FindingKind::brief;
    text.name = safe(brief ? finding_name(finding) : cell.name());
    text.where = where(brief ? finding.cells : like_the_shown(finding));
    text.title = safe(cell.title);
    text.level = safe(cell.level);
    text.verdict = judgement_text(cell);
    text.refs = safe_refs(cell);
    text.expected = safe(cell.expected);
    text.got = got_text(cell);
    text.means = means_text(cell);
    if (brief) {  // one sentence: what came, or why where only an outcome is known
        text.got = cell.got.empty() || cell.got == cell.outcome ? text.why : text.got;
        text.why.clear();
    }
    text.waiver = waiver_text(cell);
    text.attempts = attempts_text(cell);
    text.also = brief ? "" : others_text(finding);
    return text;
}

std::string attempts_text(const run::Cell& cell) {
    std::vector<std::string> tries;
    for (const run::Attempt& attempt : cell.attempts) {
        tries.push_back(fmt::format("{} ({})", script::to_string(attempt.verdict), safe(attempt.reason)));
    }
    return tries.empty() ? "" : joined(tries, ", ") + fmt::format(", then {}", verdict_word(cell));
}

std::string waived_text(const run::WaiverNote& waiver) {
    std::string text = safe(waiver.reason);
    text += waiver.owner.empty() ? "" : fmt::format("; {}", safe(waiver.owner));
    text += waiver.link.empty() ? "" : fmt::format("; {}", safe(waiver.link));
    return text + (waiver.expires.empty() ? "" : fmt::format("; until {}", safe(waiver.expires)));
}

std::vector<const run::Cell*> flaky(const std::vector<const run::Cell*>& cells) {
    std::vector<const run::Cell*> found;
    std::copy_if(cells.begin(), cells.end(), std::back_inserter(found), [](const run::Cell* cell) {
        return cell->is_flaky();
    });
    return found;
}

std::string transcript_note(const run::Cell& cell) {
    // Where no scenario was played there was nothing to keep.
    const bool played = !cell.labels.empty() || cell.duration_us > 0;
    return played ? "no transcript was kept (--transcripts)" : "";
}

std::vector<Finding> waived(const std::vector<const run::Cell*>& cells) {
    std::map<std::string, std::size_t> places;
    std::vector<Finding> found;
    for (const run::Cell* cell : cells) {
        if (cell->waiver && !cell->unexpected_pass && !is_green(*cell)) {
            const std::string key = cell->name() + '\0' + symbol(*cell) + '\0' + cell->waiver->reason;
            const auto [at, is_new] = places.emplace(key, found.size());
            if (is_new) {
                found.emplace_back();
            }
            found[at->second].cells.push_back(cell);
        }
    }
    return found;
}

}  // namespace smtpspec::report
