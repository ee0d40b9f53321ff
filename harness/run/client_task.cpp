#include "harness/run/client_task.hpp"

#include <algorithm>
#include <sstream>

#include "harness/run/time_lapse.hpp"
#include "protocol/script/words.hpp"

namespace smtpspec::run {

namespace {

using Values = std::map<std::string, std::string>;

std::string value_or(const Values& values, const std::string& key, const std::string& other) {
    const auto found = values.find(key);
    return found == values.end() ? other : found->second;
}

int number_or(const Values& values, const std::string& key, int other) {
    const auto found = values.find(key);
    return found == values.end() ? other : std::atoi(found->second.c_str());
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        found.push_back(line);
    }
    return found;
}

/// The n-th item of a list in the head, the last one for what follows; null: the key is not there.
std::optional<std::string> nth_value(const Values& values, const std::string& key, int number) {
    const auto found = values.find(key);
    if (found == values.end()) {
        return std::nullopt;
    }
    const std::vector<std::string> items = lines(found->second);
    if (items.empty()) {
        return std::string();
    }
    return items[std::min(items.size(), static_cast<std::size_t>(number)) - 1];
}

client::Policy policy_of(const Values& values, int number) {
    const auto asked =
        client::policy_from_string(nth_value(values, "policy", number).value_or("require-tls"));
    return asked.value_or(client::Policy::require_tls);
}

std::vector<client::OutgoingMessage> messages_of(const PlannedCell& cell,
                                                 const Values& values,
                                                 const Values& given,
                                                 const RunContext& context) {
    std::vector<client::OutgoingMessage> messages;
    const int count = number_or(values, "messages", 1);
    for (int number = 1; number <= count; ++number) {
        client::OutgoingMessage message;
        message.id = fmt::format("<{}.{}@smtpspec.test>", given.at("nonce"), number);
        message.from = value_or(values, "from", context.profile.from);
        message.to =
            values.count("to") > 0 ? lines(values.at("to")) : std::vector<std::string>{context.profile.to};
        std::string to_header;
        for (const std::string& address : message.to) {
            to_header += (to_header.empty() ? "" : ", ") + ("<" + address + ">");
        }
        const std::string body =
            value_or(values, "body", fmt::format("message {} of {}\r\n", number, cell.params.name()));
        message.content = fmt::format(
            "From: <{}>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: {}\r\nDate: Thu, 01 Jan 2026 00:00:00 "
            "+0000\r\n\r\n{}",
            message.from,
            to_header,
            value_or(values, "subject", "smtpspec " + given.at("nonce")),
            message.id,
            body);
        message.policy = policy_of(values, number);
        message.user = nth_value(values, "user", number);
        message.password = nth_value(values, "secret", number);
        messages.push_back(std::move(message));
    }
    return messages;
}

}  // namespace

client::ClientTask client_task(const RunContext& context,
                               const PlannedCell& cell,
                               const Values& values,
                               const Values& given) {
    client::ClientTask task;
    task.host = context.profile.host;
    task.policy = policy_of(values, 1);
    task.ca_pem = context.pki->ca_pem();
    task.user = nth_value(values, "user", 1).value_or(context.user);
    task.password = nth_value(values, "secret", 1).value_or(context.password);
    const std::string auth = value_or(values, "auth", "");
    task.auth = auth != "none" && auth != "no";
    if (task.auth && !auth.empty() && auth != "yes" && auth != "any") {
        task.mechanisms = lines(auth);
        const auto takes_token = [](const std::string& name) {
            return name == "XOAUTH2" || name == "OAUTHBEARER";
        };
        if (std::any_of(task.mechanisms.begin(), task.mechanisms.end(), takes_token)) {
            task.token = task.password;
        }
    }
    task.messages = messages_of(cell, values, given, context);
    task.parallel = number_or(values, "parallel", 1);
    if (const auto pause = script::duration_from_string(value_or(values, "pause", "0ms"))) {
        task.pause = std::chrono::duration_cast<std::chrono::milliseconds>(*pause);
    }
    const std::string reuse = value_or(values, "reuse", "yes");
    task.reuse = reuse != "no";
    task.supplied_socket = value_or(values, "socket", "") == "supplied";
    if (values.count("dsn") > 0) {
        client::DsnRequest dsn;
        dsn.ret = "HDRS";
        dsn.envid = given.at("nonce");
        dsn.notify = values.at("dsn");
        task.dsn = dsn;
    }
    task.retry = client::RetryPolicy::embedded();
    task.timeouts = client::Timeouts::embedded();
    task.timeouts.data_end = lapsed(task.timeouts.data_end, time_lapse(context, cell));
    if (!cell.defect.empty()) {
        task.defects.insert(cell.defect);
    }
    task.seed = context.options.seed;
    return task;
}

}  // namespace smtpspec::run
