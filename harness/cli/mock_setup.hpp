#pragma once

#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "harness/cli/arguments.hpp"
#include "harness/run/catalog.hpp"
#include "mockserver/config.hpp"
#include "protocol/script/rules.hpp"
#include "protocol/wire/pki.hpp"

namespace smtpspec::cli {

/// What `smtpspec mock` was asked to be.
struct MockSetup {
    mock::ServerConfig config;
    std::shared_ptr<const wire::TestPki> pki;
    std::unique_ptr<script::Overlay> faults, chaos;  ///< chaos asks faults first
    std::string user, password;
    bool password_is_ours = true;  ///< made here, so it may be printed

    script::Overlay* overlay() const { return chaos ? chaos.get() : faults.get(); }
};

/// Builds it from the command line. The error is a complete message (usage, exit 2).
tl::expected<MockSetup, std::string> mock_setup(const Arguments& arguments, const run::Catalog& catalog);

}  // namespace smtpspec::cli
