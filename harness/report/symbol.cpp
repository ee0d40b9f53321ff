#include "harness/report/symbol.hpp"

#include <algorithm>

namespace smtpspec::report {

using run::Verdict;

bool is_void(const run::Cell& cell) {
    return cell.verdict == Verdict::Unsupported || cell.verdict == Verdict::Skipped;
}

bool is_green(const run::Cell& cell) {
    return (cell.verdict == Verdict::Pass || is_void(cell)) && !cell.unexpected_pass;
}

std::string symbol(const run::Cell& cell) {
    if (cell.unexpected_pass) {
        return "XPASS";
    }
    const std::string suffix = cell.waiver ? "w" : "";
    switch (cell.verdict) {
        case Verdict::Pass:
            return "ok" + suffix;
        case Verdict::Tolerated:
            return "tol" + suffix;
        case Verdict::Warn:
            return "WARN" + suffix;
        case Verdict::Fail:
            return "FAIL" + suffix;
        case Verdict::Vulnerable:
            return "VULN" + suffix;
        case Verdict::Inconclusive:
            return "?" + suffix;
        case Verdict::Unsupported:
            return "-" + suffix;
        case Verdict::Skipped:
            return "skip" + suffix;
        case Verdict::Error:
            break;
    }
    return "ERR" + suffix;
}

std::string verdict_word(const run::Cell& cell) {
    return cell.unexpected_pass ? "unexpected pass" : std::string(script::to_string(cell.verdict));
}

Tone tone(const run::Cell& cell) {
    if (cell.unexpected_pass) {
        return Tone::bad;
    }
    if (cell.waiver) {
        return Tone::mild;
    }
    switch (cell.verdict) {
        case Verdict::Pass:
            return Tone::good;
        case Verdict::Tolerated:
        case Verdict::Warn:
            return Tone::mild;
        case Verdict::Fail:
            return Tone::bad;
        case Verdict::Vulnerable:
            return Tone::worst;
        case Verdict::Inconclusive:
        case Verdict::Error:
            return Tone::odd;
        case Verdict::Unsupported:
        case Verdict::Skipped:
            break;
    }
    return Tone::faint;
}

int rank(const run::Cell& cell) {
    if (cell.unexpected_pass) {
        return 2;
    }
    const int waived = cell.waiver ? 10 : 0;
    switch (cell.verdict) {
        case Verdict::Vulnerable:
            return waived;
        case Verdict::Fail:
            return waived + 1;
        case Verdict::Error:
            return waived + 3;
        case Verdict::Inconclusive:
            return waived + 4;
        case Verdict::Warn:
            return waived + 5;
        case Verdict::Tolerated:
            return waived + 6;
        case Verdict::Skipped:
            return 20;
        case Verdict::Unsupported:
            return 21;
        case Verdict::Pass:
            break;
    }
    return 22;
}

const run::Cell& worst(const std::vector<const run::Cell*>& cells) {
    return **std::min_element(
        cells.begin(), cells.end(), [](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
}

}  // namespace smtpspec::report
