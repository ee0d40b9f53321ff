#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "harness/client/client_under_test.hpp"
#include "mockserver/defects.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::cli {

namespace {

using json = nlohmann::ordered_json;
using script::Scenario;

bool wanted(const Scenario& scenario, const run::RunOptions& options) {
    const auto cells = script::expand_cells(scenario.head);
    const auto any = [&](const std::vector<std::string>& filters) {
        for (const auto& cell : cells) {
            for (const std::string& filter : filters) {
                if (script::filter_matches(filter, cell)) {
                    return true;
                }
            }
        }
        return false;
    };
    return (!options.side || scenario.head.side == *options.side) &&
           (options.levels.empty() || options.levels.count(scenario.head.level) > 0) &&
           (options.only.empty() || any(options.only)) && !any(options.skip);
}

json describe(const Scenario& scenario) {
    const script::Head& head = scenario.head;
    json shown{{"id", head.id.text},
               {"rev", head.rev},
               {"title", head.title.text},
               {"side", script::to_string(head.side)},
               {"level", script::to_string(head.level)},
               {"severity", script::to_string(head.severity)}};
    shown["refs"] = json::array();
    for (const auto& ref : head.refs) {
        shown["refs"].push_back(ref.text);
    }
    shown["modes"] = json::array();
    for (const auto mode : head.modes) {
        shown["modes"].push_back(script::to_string(mode));
    }
    shown["parameters"] = json::object();
    for (const auto& parameter : head.params) {
        json names = json::array();
        for (const auto& value : parameter.values) {
            names.push_back(value.name);
        }
        shown["parameters"][parameter.name] = names;
    }
    shown["cells"] = script::expand_cells(head).size();
    shown["covers"] = json::array();
    for (const auto& cover : head.covers) {
        shown["covers"].push_back(cover.requirement);
    }
    for (const auto& ref : head.refs) {  // a row of the catalogue of attacks is covered by who plays it
        if (const std::string prefix = "attack "; ref.text.compare(0, prefix.size(), prefix) == 0) {
            shown["covers"].push_back(ref.text.substr(prefix.size()));
        }
    }
    shown["needs"] = json::array();
    for (const auto& need : head.needs) {
        shown["needs"].push_back(need.text);
    }
    shown["selftest"] = json::object();
    for (const auto& entry : head.selftest) {
        shown["selftest"][entry.defect] = entry.label;
    }
    shown["slow"] = scenario.slow();
    shown["intrusive"] = head.intrusive;
    return shown;
}

std::string defects_text() {
    std::string text = "Defects of the faithful server (smtpspec mock --defect NAME):\n";
    for (const auto& defect : mock::server_defects()) {
        text += fmt::format("  {:<38} {}\n", defect.name, defect.description);
    }
    text += "\nDefects of the reference client (used by selftest):\n";
    for (const auto& defect : client::client_defects()) {
        text += fmt::format("  {:<38} {}\n", defect.name, defect.description);
    }
    return text;
}

std::string line(const Scenario& scenario) {
    const script::Head& head = scenario.head;
    return fmt::format("{:<52} {:<7} {:<10} {}\n",
                       head.id.text,
                       script::to_string(head.side),
                       script::to_string(head.level),
                       scenario.slow()  ? "slow"
                       : head.intrusive ? "intrusive"
                                        : "");
}

}  // namespace

int list_command(const Arguments& arguments) {
    if (arguments.list_format == "defects") {
        return print(defects_text()) ? 0 : 3;
    }
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    if (!filters_fit(*catalog, arguments)) {
        return 2;
    }
    json shown = json::array();
    std::string text;
    for (const auto& scenario : catalog->scenarios()) {
        if (wanted(*scenario, arguments.options)) {
            shown.push_back(describe(*scenario));
            text += line(*scenario);
        }
    }
    text += fmt::format("{} scenarios\n", shown.size());
    const bool as_json = arguments.list_format == "json";
    return print(as_json ? shown.dump(2, ' ', false, json::error_handler_t::replace) + "\n" : text) ? 0 : 3;
}

}  // namespace smtpspec::cli
