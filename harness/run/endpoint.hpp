#pragma once

#include "harness/run/catalog.hpp"
#include "harness/run/profile.hpp"

namespace smtpspec::run {

/// The profile that ENDPOINT names (design.md §6): a file (contains '/' or ends in .yaml, or `is_file`), a
/// host (contains a dot, or is localhost: five ports, no credentials), or a built-in profile; with "did you
/// mean".
enum class EndpointKind { guess, file };
tl::expected<Profile, std::string> find_profile(const Catalog& catalog,
                                                const std::string& endpoint,
                                                EndpointKind kind);

/// By its look alone: it contains '/' or ends in .yaml.
bool names_a_file(const std::string& endpoint);

/// The five submission ports with their modes and nothing else.
Profile five_ports();

/// Names of the built-in profiles.
std::vector<std::string> profile_names(const Catalog& catalog);

}  // namespace smtpspec::run
