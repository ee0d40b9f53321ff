#include "harness/run/oracles.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace smtpspec::run {

namespace asio = boost::asio;

wire::Awaitable<std::vector<script::StoredMail>> EmbeddedStore::settled(wire::Deadline deadline) {
    std::vector<mock::Mail> mails = co_await store_.settled(quiet_, deadline);
    std::vector<script::StoredMail> found;
    for (mock::Mail& mail : mails) {
        script::StoredMail shown;
        shown.raw = mail.return_path + mail.raw;
        shown.from = std::move(mail.from);
        shown.recipients = std::move(mail.recipients);
        found.push_back(std::move(shown));
    }
    co_return found;
}

MaildirStore::MaildirStore(asio::any_io_executor executor,
                           std::string folder,
                           std::chrono::milliseconds quiet)
    : executor_(std::move(executor)), folder_(std::move(folder)), quiet_(quiet), before_(names()) {}

std::set<std::string> MaildirStore::names() const {
    std::set<std::string> found;
    for (const char* part : {"new", "cur"}) {
        std::error_code failure;
        const std::filesystem::path folder = std::filesystem::path(folder_) / part;
        for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
            found.insert(entry.path().string());
        }
    }
    return found;
}

namespace {

/// A file as a message with CRLF line ends; local delivery writes bare LF.
std::string read_message(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    std::string message;
    char last = 0;
    for (const char octet : text.str()) {
        if (octet == '\n' && last != '\r') {
            message += '\r';
        }
        message += octet;
        last = octet;
    }
    return message;
}

}  // namespace

wire::Awaitable<std::vector<script::StoredMail>> MaildirStore::settled(wire::Deadline deadline) {
    asio::steady_timer timer(executor_);
    // A queueing server delivers a moment after its 250: wait until two looks in a row see the same files.
    const auto step = std::max(quiet_ * 2, std::chrono::milliseconds(500));
    std::set<std::string> seen = names();
    for (int same = 0; same < 2 && wire::Clock::now() < deadline;) {
        timer.expires_after(step);
        co_await timer.async_wait(asio::use_awaitable);
        std::set<std::string> now = names();
        same = now == seen ? same + 1 : 0;
        seen = std::move(now);
    }
    std::vector<script::StoredMail> found;
    for (const std::string& path : seen) {
        if (before_.count(path) == 0) {
            script::StoredMail mail;
            mail.raw = read_message(path);
            found.push_back(std::move(mail));
        }
    }
    co_return found;
}

}  // namespace smtpspec::run
