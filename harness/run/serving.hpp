#pragma once

#include "mockserver/server.hpp"

namespace smtpspec::run {

/// Who gets the connections that come when a `serve` is over.
enum class AfterServing {
    script,  ///< they wait until the script takes them
    server,  ///< the faithful server goes on
};

/// A `serve` of a script: lays its rules over the server, and takes them off again also when a goal of theirs
/// has cancelled `serve`. `server` and `overlay` outlive it.
class Serving {
  public:
    Serving(mock::Server& server, script::Overlay& overlay, AfterServing after)
        : server_(server), after_(after) {
        server_.set_overlay(&overlay);
    }
    ~Serving() {
        if (after_ == AfterServing::script) {
            server_.manual();
        }
        server_.set_overlay(nullptr);
    }
    Serving(const Serving&) = delete;
    Serving& operator=(const Serving&) = delete;

  private:
    mock::Server& server_;
    AfterServing after_;
};

}  // namespace smtpspec::run
