#pragma once

#include <string>
#include <vector>

#include "protocol/script/scenario.hpp"

namespace smtpspec::cli {

/// `smtpspec list --format markdown`, which is docs/scenarios.md: each scenario with its rule, what it does
/// on the wire, what each outcome means and what a failure means in practice. Servers first, by group.
std::string catalogue_page(const std::vector<const script::Scenario*>& scenarios);

}  // namespace smtpspec::cli
