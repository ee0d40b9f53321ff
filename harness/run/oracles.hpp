#pragma once

#include <set>
#include <string>
#include <vector>

#include "mockserver/store.hpp"
#include "protocol/script/environment.hpp"

namespace smtpspec::run {

/// The embedded server's store.
class EmbeddedStore : public script::StoreOracle {
  public:
    EmbeddedStore(const mock::MessageStore& store, std::chrono::milliseconds quiet)
        : store_(store), quiet_(quiet) {}
    wire::Awaitable<std::vector<script::StoredMail>> settled(wire::Deadline deadline) override;
    int lost() const override { return 0; }
    int doubled() const override { return 0; }

  private:
    const mock::MessageStore& store_;
    std::chrono::milliseconds quiet_;
};

/// A Maildir folder that a real server delivers to (`envelope: {mailbox: …}`): files in new/ and cur/.
class MaildirStore : public script::StoreOracle {
  public:
    MaildirStore(boost::asio::any_io_executor executor, std::string folder, std::chrono::milliseconds quiet);
    wire::Awaitable<std::vector<script::StoredMail>> settled(wire::Deadline deadline) override;
    int lost() const override { return 0; }
    int doubled() const override { return 0; }

  private:
    std::set<std::string> names() const;

    boost::asio::any_io_executor executor_;
    std::string folder_;
    std::chrono::milliseconds quiet_;
    std::set<std::string> before_;  ///< files that were there when the cell began
};

}  // namespace smtpspec::run
