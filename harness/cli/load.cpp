#include "harness/cli/load.hpp"

#include <fmt/format.h>

#include "harness/cli/check_arguments.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/endpoint.hpp"
#include "harness/run/input_file.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::cli {

namespace {

std::string without_line_end(const std::string& message) {
    return message.substr(0, message.find_last_not_of('\n') + 1);
}

}  // namespace

std::string did_you_mean(const std::string& near) {
    return near.empty() ? "." : "; did you mean " + near + "?";
}

std::optional<run::Catalog> load_catalog(const Arguments& arguments) {
    auto catalog = run::Catalog::load(arguments.scenarios_dir);
    if (!catalog) {
        say("{}\n", without_line_end(catalog.error()));
        return std::nullopt;
    }
    return std::move(*catalog);
}

namespace {

/// What the first look at a port finds is no scenario, but can be asked for, alone or left out.
bool fits_a_look_at_the_port(const std::string& filter) {
    const auto fits = [&](const char* id) {
        return script::filter_matches(filter, script::CellParams{id, {}});
    };
    return fits("endpoint.mode") || fits("endpoint.certificate");
}

bool all_fit(const run::Catalog& catalog, const std::vector<std::string>& filters, const char* option) {
    bool all = true;
    for (const std::string& filter : filters) {
        bool fits = fits_a_look_at_the_port(filter);
        for (const auto& scenario : catalog.scenarios()) {
            for (const auto& cell : script::expand_cells(scenario->head)) {
                fits = fits || script::filter_matches(filter, cell);
            }
        }
        if (!fits) {
            const std::string near = catalog.suggest(filter.substr(0, filter.find('[')));
            say("smtpspec: {} '{}' fits no scenario{} smtpspec list shows them all.\n",
                option,
                filter,
                did_you_mean(near));
            all = false;
        }
    }
    return all;
}

}  // namespace

bool filters_fit(const run::Catalog& catalog, const Arguments& arguments) {
    const bool only = all_fit(catalog, arguments.options.only, "--only");
    const bool skip = all_fit(catalog, arguments.options.skip, "--skip");
    return only && skip;
}

std::unique_ptr<run::RunContext> embedded_endpoint(const Arguments& arguments) {
    auto context = run::embedded_context(arguments.options);
    for (const int port : arguments.options.ports) {
        if (context->profile.ports.count(port) == 0) {
            say("smtpspec: --port {}: the embedded server has no such port; it has 25, 465, 587, "
                "2465, 2587\n",
                port);
            return nullptr;
        }
    }
    return context;
}

std::unique_ptr<run::RunContext> foreign_endpoint(const Arguments& arguments,
                                                  const run::Catalog& catalog,
                                                  int& exit_code) {
    auto context = foreign_endpoint_or_none(arguments, catalog, exit_code);
    if (context && !context->unresolved.empty()) {
        exit_code = 4;
        return nullptr;
    }
    return context;
}

std::unique_ptr<run::RunContext> foreign_endpoint_or_none(const Arguments& arguments,
                                                          const run::Catalog& catalog,
                                                          int& exit_code) {
    const auto kind = arguments.endpoint_is_file ? run::EndpointKind::file : run::EndpointKind::guess;
    auto profile = run::find_profile(catalog, arguments.endpoint, kind);
    if (!profile) {
        say("smtpspec: {}\n", without_line_end(profile.error()));
        exit_code = 2;
        return nullptr;
    }
    if (const std::string wrong = overwrites_files_of(*profile, arguments); !wrong.empty()) {
        say("smtpspec: {}\n", wrong);
        exit_code = 2;
        return nullptr;
    }
    auto context = run::foreign_context(*profile, arguments.options);
    if (!context) {
        say("smtpspec: {}\n", context.error().message);
        exit_code = context.error().exit_code;
        return nullptr;
    }
    if (!(*context)->unresolved.empty()) {
        say("smtpspec: {}\n", (*context)->unresolved);
    }
    return std::move(*context);
}

tl::expected<std::vector<run::Waiver>, std::string> load_waivers_of(const Arguments& arguments) {
    const std::string& path = arguments.options.waivers_file;
    if (path.empty()) {
        return std::vector<run::Waiver>{};
    }
    const auto text = run::read_input(path, "the waivers");
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    return run::load_waivers(*text, path);
}

}  // namespace smtpspec::cli
