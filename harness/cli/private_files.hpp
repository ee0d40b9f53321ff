#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string>

namespace smtpspec::cli {

/// A folder for one run, readable by its owner alone, removed with everything in it at the end. One at a
/// time.
class PrivateFolder {
  public:
    /// Throws std::runtime_error when it cannot be made.
    PrivateFolder();
    ~PrivateFolder();
    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;

    /// Writes a file there (mode 0600) and gives its path. Throws std::runtime_error when it cannot be
    /// written, std::length_error for a third one.
    std::string write(const std::string& name, const std::string& text);

    /// Removes the folder that there is, and the files that write() made. Async-signal-safe.
    static void remove_now() noexcept;

  private:
    std::string path_;
    std::array<std::string, 2> files_;  ///< in place, because a signal may come while one is added
    std::atomic<std::size_t> count_{0};
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
