#include "harness/cli/load.hpp"

#include <fmt/format.h>

#include "harness/cli/check_arguments.hpp"
#include "harness/cli/output.hpp"
#include "harness/run/endpoint.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::cli {

std::optional<run::Catalog> load_catalog(const Arguments& arguments) {
    auto catalog = run::Catalog::load(arguments.scenarios_dir);
    if (!catalog) {
        say("{}\n", catalog.error());
        return std::nullopt;
    }
    return std::move(*catalog);
}

bool filters_fit(const run::Catalog& catalog, const Arguments& arguments) {
    bool all = true;
    for (const std::string& filter : arguments.options.only) {
        bool fits = false;
        for (const auto& scenario : catalog.scenarios()) {
            for (const auto& cell : script::expand_cells(scenario->head)) {
                fits = fits || script::filter_matches(filter, cell);
            }
        }
        if (!fits) {
            const std::string near = catalog.suggest(filter.substr(0, filter.find('[')));
            say("smtpspec: --only '{}' fits no scenario{}. smtpspec list shows them all.\n",
                filter,
                near.empty() ? "" : "; did you mean " + near + "?");
            all = false;
        }
    }
    return all;
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
    const auto kind = arguments.endpoint_is_file ? run::EndpointKind::file : run::EndpointKind::guess;
    auto profile = run::find_profile(catalog, arguments.endpoint, kind);
    if (!profile) {
        say("smtpspec: {}\n", profile.error());
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
    return std::move(*context);
}

}  // namespace smtpspec::cli
