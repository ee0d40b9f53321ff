#include "harness/run/result.hpp"

#include <algorithm>

#include "protocol/script/scenario.hpp"

namespace smtpspec::run {

bool is_red(Verdict verdict) { return verdict == Verdict::Fail || verdict == Verdict::Vulnerable; }

std::string Cell::name() const { return script::CellParams{scenario, params}.name(); }

bool Cell::is_flaky() const {
    return std::any_of(
        attempts.begin(), attempts.end(), [&](const Attempt& attempt) { return attempt.verdict != verdict; });
}

std::map<Verdict, int> Result::summary() const {
    std::map<Verdict, int> counts;
    for (const Cell& cell : cells) {
        ++counts[cell.verdict];
    }
    return counts;
}

namespace {

template <typename Info>
const Rerun& own_or(const std::vector<Info>& known, const std::string& name, const Rerun& usual) {
    const auto its =
        std::find_if(known.begin(), known.end(), [&](const Info& one) { return one.name == name; });
    return its != known.end() && its->rerun ? *its->rerun : usual;
}

}  // namespace

const Rerun& Result::rerun_of(const Cell& cell) const {
    return cell.side == script::Side::Server ? own_or(endpoints, cell.endpoint, rerun)
                                             : own_or(clients, cell.client, rerun);
}

namespace {

bool is_judged(const Cell& cell) {
    return cell.verdict != Verdict::Skipped && cell.verdict != Verdict::Unsupported;
}

bool is_unreachable(const Cell& cell) {
    return !cell.waiver && (cell.error_kind == "unreachable" || cell.error_kind == "died");
}

}  // namespace

int exit_code(const Result& result, double allow_inconclusive) {
    const auto any = [&](auto&& fits) { return std::any_of(result.cells.begin(), result.cells.end(), fits); };
    if (any([](const Cell& cell) { return cell.verdict == Verdict::Error; })) {
        return 3;
    }
    if (result.interrupted) {
        return 130;
    }
    if (any([](const Cell& cell) {
            return (is_red(cell.verdict) && !cell.waiver) || cell.unexpected_pass || cell.expired_waiver;
        })) {
        return 1;
    }
    if (any(is_unreachable)) {
        return 4;
    }
    const auto judged = std::count_if(result.cells.begin(), result.cells.end(), is_judged);
    const auto open = std::count_if(result.cells.begin(), result.cells.end(), [](const Cell& cell) {
        return cell.verdict == Verdict::Inconclusive && !cell.waiver;
    });
    if (judged == 0) {
        return 77;
    }
    return static_cast<double>(open) > allow_inconclusive * static_cast<double>(judged) ? 5 : 0;
}

}  // namespace smtpspec::run
