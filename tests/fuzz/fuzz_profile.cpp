// Endpoint profiles: any text gives a profile or a message, never an exception.
#include <string>

#include "fuzz_support.hpp"
#include "harness/run/profile.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    const auto profile = smtpspec::run::load_profile(smtpspec::fuzz::text_of(data, size), "fuzz.yaml");
    smtpspec::fuzz::require(profile.has_value() || !profile.error().empty());
    return 0;
}
