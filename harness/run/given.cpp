#include "harness/run/given.hpp"

#include "protocol/wire/crypto.hpp"

namespace smtpspec::run {

std::map<std::string, std::string> given_values(const RunContext& context, const PlannedCell& cell) {
    std::map<std::string, std::string> given;
    const auto put = [&](const char* key, const std::string& value) {
        if (!value.empty()) {
            given[key] = value;
        }
    };
    const Profile& profile = context.profile;
    given["ehlo"] = profile.ehlo;
    put("from", profile.from);
    put("to", profile.to);
    put("bad", profile.bad);
    put("remote", profile.remote);
    put("domain", profile.domain);
    put("host", profile.host);
    if (context.without_auth.count(cell.port) == 0) {
        // With --no-auth nobody logs in, and how a wrong password for that user is refused is still asked.
        put("user", context.options.no_auth ? profile.user : context.user);
        put("secret", context.password);
    }
    given["port"] = std::to_string(cell.port);
    given["mode"] = std::string(script::to_string(cell.mode));
    // New in each cell and each run: a mailbox may still hold the messages of an earlier run.
    given["nonce"] = "x" + wire::random_token(9);
    return given;
}

std::string nth_recipient(const RunContext& context, int n) {
    const Profile& profile = context.profile;
    if (n >= 1 && static_cast<std::size_t>(n) <= profile.recipients.size()) {
        return profile.recipients[static_cast<std::size_t>(n) - 1];
    }
    if (!context.embedded()) {
        return profile.to;  // nobody has allowed us another: it may be somebody's
    }
    const std::size_t at = profile.to.rfind('@');
    if (at == std::string::npos) {
        return profile.to;
    }
    return fmt::format("{}+{}{}", profile.to.substr(0, at), n, profile.to.substr(at));
}

}  // namespace smtpspec::run
