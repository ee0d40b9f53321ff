#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "protocol/wire/connection.hpp"

namespace smtpspec::mock {

/// A message that the server took responsibility for (RFC 5321 §6.1).
struct Mail {
    std::uint64_t number = 0;             ///< 1 for the first
    std::string raw;                      ///< content with the trace fields that the server added on top
    std::string from;                     ///< reverse path without <>
    std::string return_path;              ///< field that final delivery puts on top, with its CRLF
    std::vector<std::string> recipients;  ///< forward paths as given
    std::vector<std::string> parameters;  ///< of MAIL and RCPT, as given ("SIZE=10", "NOTIFY=NEVER")
    std::string login;
    int session = 0;
    int port = 0;  ///< logical
    bool tls = false;
    std::chrono::system_clock::time_point time;
};

/// All accepted messages, in memory, in order of acceptance. Thread-safe.
class MessageStore {
  public:
    /// Keeps it elsewhere too; the error is a sentence for the log.
    using Keeper = std::function<tl::expected<void, std::string>(const Mail& mail)>;

    /// The number given to it. Error: that of on_add; the message is not here then either.
    tl::expected<std::uint64_t, std::string> add(Mail mail);
    /// Called with each message before add() returns, so before the client hears that it was taken. Set
    /// before the first add().
    void on_add(Keeper keeper) { keeper_ = std::move(keeper); }
    /// From now on messages are numbered, given to on_add, counted by accepted(), and not kept: for loads.
    void discard() { discards_ = true; }
    /// Nobody reads a message: count_one() does for add().
    bool only_counts() const { return discards_ && !keeper_; }
    void count_one();
    /// Messages that were ever taken.
    std::uint64_t accepted() const;
    std::vector<Mail> all() const;
    std::size_t count() const;
    std::size_t octets() const;
    /// Messages whose raw text holds `token`.
    std::size_t copies(std::string_view token) const;
    void clear();
    /// Changes with every add() and clear().
    std::uint64_t version() const;

    /// All messages, once nothing has changed for `quiet` (at the latest at the deadline). A store that has
    /// been quiet that long already answers at once.
    wire::Awaitable<std::vector<Mail>> settled(std::chrono::milliseconds quiet,
                                               wire::Deadline deadline) const;

  private:
    mutable std::mutex mutex_;
    std::vector<Mail> mails_;
    std::size_t octets_ = 0;
    std::uint64_t version_ = 0;
    std::uint64_t last_number_ = 0;
    wire::Clock::time_point changed_{};
    Keeper keeper_;
    bool discards_ = false;
};

}  // namespace smtpspec::mock
