#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/cli/catalogue_page.hpp"
#include "harness/cli/commands.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "harness/client/client_under_test.hpp"
#include "harness/report/text.hpp"
#include "mockserver/defects.hpp"
#include "protocol/script/scenario.hpp"
#include "protocol/smtp/escape.hpp"

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
               {"fail_means", head.fail_means.text},
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

json defects_json() {
    json shown = json::array();
    for (const auto& defect : mock::server_defects()) {
        shown.push_back({{"name", defect.name}, {"side", "server"}, {"description", defect.description}});
    }
    for (const auto& defect : client::client_defects()) {
        shown.push_back({{"name", defect.name}, {"side", "client"}, {"description", defect.description}});
    }
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

std::string flags(const Scenario& scenario) {
    return scenario.slow() ? "slow" : scenario.head.intrusive ? "intrusive" : "";
}

std::string without_blanks_behind(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

/// A line for each scenario. The title stands there as far as there is room for it on the terminal; a pipe or
/// file has room for all of it.
std::string table(const std::vector<const Scenario*>& scenarios) {
    constexpr std::size_t fixed = 1 + 7 + 1 + 10 + 1 + 9 + 1;  // side, level, flags and the blanks between
    constexpr std::size_t shortest_title = 20;
    std::size_t names = 0;
    for (const Scenario* scenario : scenarios) {
        names = std::max(names, scenario->head.id.text.size());
    }
    const std::optional<int> width = standard_output_width();
    const std::size_t used = names + fixed;
    const std::size_t room = !width ? std::string::npos
                             : static_cast<std::size_t>(*width) > used
                                 ? static_cast<std::size_t>(*width) - used
                                 : 0;
    std::string text;
    for (const Scenario* scenario : scenarios) {
        const script::Head& head = scenario->head;
        std::string title = room < shortest_title ? "" : smtp::printable(head.title.text);
        if (room < title.size()) {
            title = report::cut(title, static_cast<int>(room));
        }
        text += without_blanks_behind(fmt::format("{:<{}} {:<7} {:<10} {:<9} {}",
                                                  head.id.text,
                                                  names,
                                                  script::to_string(head.side),
                                                  script::to_string(head.level),
                                                  flags(*scenario),
                                                  title));
    }
    return text + fmt::format("{} scenarios\n", scenarios.size());
}

int print_json(const json& shown) {
    return print(shown.dump(2, ' ', false, json::error_handler_t::replace) + "\n") ? 0 : 3;
}

}  // namespace

int list_command(const Arguments& arguments) {
    const bool as_json = arguments.list_format == "json";
    if (arguments.list_defects) {
        return as_json ? print_json(defects_json()) : print(defects_text()) ? 0 : 3;
    }
    const auto catalog = load_catalog(arguments);
    if (!catalog || !filters_fit(*catalog, arguments)) {
        return 2;
    }
    std::vector<const Scenario*> chosen;
    for (const auto& scenario : catalog->scenarios()) {
        if (wanted(*scenario, arguments.options)) {
            chosen.push_back(scenario.get());
        }
    }
    if (!as_json) {
        return print(arguments.list_format == "markdown" ? catalogue_page(chosen) : table(chosen)) ? 0 : 3;
    }
    json shown = json::array();
    for (const Scenario* scenario : chosen) {
        shown.push_back(describe(*scenario));
    }
    return print_json(shown);
}

}  // namespace smtpspec::cli
