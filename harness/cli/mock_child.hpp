#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "protocol/wire/connection.hpp"

namespace smtpspec::cli {

/// The command behind `mock … -- CMD`: started with extra environment variables, awaited, ended by its own
/// id.
class ChildProcess {
  public:
    /// Starts it. Error: the program cannot be run.
    static tl::expected<ChildProcess, std::string> start(
        const std::vector<std::string>& command, const std::map<std::string, std::string>& environment);
    /// Its exit code, 128 + signal when a signal ended it. `stop` becoming true sends it SIGTERM.
    wire::Awaitable<int> wait(const std::atomic<bool>& stop);

  private:
    explicit ChildProcess(int id) : id_(id) {}
    int id_;
};

/// A folder for one run, readable by its owner alone, removed with everything in it at the end.
class PrivateFolder {
  public:
    PrivateFolder();
    ~PrivateFolder();
    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;

    /// Writes a file there (mode 0600) and gives its path.
    std::string write(const std::string& name, const std::string& text) const;

  private:
    std::string path_;
};

/// Text that has a path, but is in memory alone: readable for this user while this process lives.
class MemoryFile {
  public:
    /// Throws std::runtime_error when the system gives no memory file.
    explicit MemoryFile(const std::string& text);
    ~MemoryFile();
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const;

  private:
    int descriptor_;
};

}  // namespace smtpspec::cli
