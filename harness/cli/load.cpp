#include "harness/cli/load.hpp"

#include <fmt/format.h>

#include "harness/run/endpoint.hpp"

namespace smtpspec::cli {

std::optional<run::Catalog> load_catalog(const Arguments& arguments) {
    auto catalog = run::Catalog::load(arguments.scenarios_dir);
    if (!catalog) {
        fmt::print(stderr, "{}\n", catalog.error());
        return std::nullopt;
    }
    return std::move(*catalog);
}

std::unique_ptr<run::RunContext> foreign_endpoint(const Arguments& arguments,
                                                  const run::Catalog& catalog,
                                                  int& exit_code) {
    const auto kind = arguments.endpoint_is_file ? run::EndpointKind::file : run::EndpointKind::guess;
    auto profile = run::find_profile(catalog, arguments.endpoint, kind);
    if (!profile) {
        fmt::print(stderr, "smtpspec: {}\n", profile.error());
        exit_code = 2;
        return nullptr;
    }
    auto context = run::foreign_context(*profile, arguments.options);
    if (!context) {
        fmt::print(stderr, "smtpspec: {}\n", context.error().message);
        exit_code = context.error().exit_code;
        return nullptr;
    }
    return std::move(*context);
}

}  // namespace smtpspec::cli
