#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/script/diagnostic.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::script {

/// The words that a scenario may use but that other parts of the program define.
struct LintVocabulary {
    /// Defects of the two model peers; not checked while empty.
    std::set<std::string> server_defects;
    std::set<std::string> client_defects;
    /// `cert=` of `tls`; default: the list of §5.
    std::set<std::string> certificates;
    /// Words of `needs` that are not EHLO keywords, and the EHLO keywords known; default: §3 and the IANA
    /// registry.
    std::set<std::string> needs;
    /// TLS alerts for `alert NAME`.
    std::set<std::string> alerts;

    /// Everything that the language reference lists; no defects.
    static LintVocabulary standard();
};

/// All rules of §10 that one file can break (id or rev used twice need several: `lint_together`).
Diagnostics lint(const Scenario& scenario, const LintVocabulary& vocabulary);

/// Everything that is wrong with a file: mistakes of syntax, and what `lint` finds in the parts that could be
/// read.
Diagnostics check_scenario(std::string_view text, std::string file_name, const LintVocabulary& vocabulary);

/// Ids used twice and requirement ids of `covers` that are settled twice by the same cells.
Diagnostics lint_together(const std::vector<Scenario>& scenarios);

}  // namespace smtpspec::script
