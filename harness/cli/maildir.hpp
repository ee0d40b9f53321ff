#pragma once

#include <string>

#include <tl/expected.hpp>

#include "mockserver/store.hpp"

namespace smtpspec::cli {

/// Writes messages into a Maildir as a local delivery would: complete in new/, or not there at all. The
/// octets are those of the store, with Return-Path and Delivered-To on top.
class Maildir {
  public:
    /// Makes the folder with its three parts. Error: a complete message.
    static tl::expected<Maildir, std::string> create(const std::string& folder);
    /// Error: the message could not be written, as on a full disk, and nothing of it is there.
    tl::expected<void, std::string> deliver(const mock::Mail& mail) const;

  private:
    explicit Maildir(std::string folder) : folder_(std::move(folder)) {}
    std::string folder_;
};

}  // namespace smtpspec::cli
