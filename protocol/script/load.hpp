#pragma once

#include <string>
#include <string_view>

#include "protocol/script/diagnostic.hpp"
#include "protocol/script/scenario.hpp"

/// Inside of protocol/script: a scenario as far as it could be read, for the linter, which reports on that
/// too.
namespace smtpspec::script {

struct Loaded {
    Scenario scenario;
    Diagnostics diagnostics;
    bool readable = false;        ///< there is a head and a script to look at
    bool head_whole = false;      ///< nothing of the head was left out
    bool outcomes_whole = false;  ///< at least nothing of `outcomes`
    bool script_whole = false;    ///< no statement was left out
};

Loaded read_scenario(std::string_view text, std::string file_name);

}  // namespace smtpspec::script
