#include "harness/run/endpoint.hpp"

#include "harness/run/host_name.hpp"
#include "harness/run/input_file.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::run {

namespace {

bool is_yaml(const std::string& name) { return name.size() > 5 && name.substr(name.size() - 5) == ".yaml"; }

tl::expected<Profile, std::string> from_file(const std::string& path) {
    const auto text = read_input(path, "the endpoint profile");
    if (!text) {
        return tl::make_unexpected(text.error());
    }
    return load_profile(*text, path);
}

/// A host that nobody prepared: five ports, no login, no recipient.
tl::expected<Profile, std::string> bare_host(const std::string& host) {
    if (const HostProblem problem = host_problem(host); !problem.what.empty()) {
        return tl::make_unexpected(fmt::format("{}. Give {}.\n", problem.what, problem.remedy));
    }
    Profile profile = five_ports();
    profile.name = host;
    profile.host = host;
    profile.guessed = true;
    return profile;
}

}  // namespace

bool names_a_file(const std::string& endpoint) {
    return endpoint.find('/') != std::string::npos || is_yaml(endpoint);
}

Profile five_ports() {
    using script::Mode;
    Profile profile;
    profile.ports = {{25, Mode::Starttls},
                     {465, Mode::Tls},
                     {587, Mode::Starttls},
                     {2465, Mode::Tls},
                     {2587, Mode::Starttls}};
    return profile;
}

std::vector<std::string> profile_names(const Catalog& catalog) {
    std::vector<std::string> names;
    for (const std::string& file : catalog.data_names("endpoints")) {
        names.push_back(file.substr(0, file.rfind('.')));
    }
    return names;
}

tl::expected<Profile, std::string> find_profile(const Catalog& catalog,
                                                const std::string& endpoint,
                                                EndpointKind kind) {
    if (kind == EndpointKind::guess && endpoint.find("://") != std::string::npos) {
        return bare_host(endpoint);  // says what is wrong with it
    }
    if (kind == EndpointKind::file || names_a_file(endpoint)) {
        return from_file(endpoint);
    }
    if (const std::string* text = catalog.data("endpoints/" + endpoint + ".yaml")) {
        return load_profile(*text, "scenarios/endpoints/" + endpoint + ".yaml");
    }
    if (endpoint.find('.') != std::string::npos || endpoint.find(':') != std::string::npos ||
        endpoint == "localhost") {
        return bare_host(endpoint);
    }
    const auto names = profile_names(catalog);
    const std::string near = script::did_you_mean(endpoint, names);
    const bool is_host = near.empty() && host_problem(endpoint).what.empty();
    return tl::make_unexpected(
        fmt::format("unknown endpoint \"{0}\": it is neither a host (with a dot), nor a file (with a / or "
                    ".yaml), nor a built-in profile ({1}).{2}{3}{4}\n",
                    smtp::printable(endpoint),
                    script::any_of(names),
                    near.empty() ? "" : " D" + near.substr(1),
                    is_host ? " For a host without a dot write a profile (docs/endpoints.md): " : "",
                    is_host ? fmt::format("printf 'host: {0}\\nports: {{25: starttls, 465: tls, 587: "
                                          "starttls}}\\n' >{0}.yaml; then give {0}.yaml.",
                                          endpoint)
                            : ""));
}

}  // namespace smtpspec::run
