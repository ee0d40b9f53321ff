#include "harness/cli/maildir.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

namespace smtpspec::cli {

namespace fs = std::filesystem;

namespace {

/// Writes a new file; "" or the system's reason.
std::string fill(const fs::path& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "wbxe");
    if (file == nullptr) {
        return std::strerror(errno);
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int write_error = errno;
    const bool closed = std::fclose(file) == 0;  // a full disk often shows only here
    return written && closed ? "" : std::strerror(written ? errno : write_error);
}

}  // namespace

tl::expected<Maildir, std::string> Maildir::create(const std::string& folder) {
    for (const char* part : {"tmp", "new", "cur"}) {
        std::error_code failure;
        fs::create_directories(fs::path(folder) / part, failure);
        if (failure) {
            return tl::make_unexpected(fmt::format("--maildir {}: {}\n", folder, failure.message()));
        }
    }
    return Maildir(folder);
}

tl::expected<void, std::string> Maildir::deliver(const mock::Mail& mail) const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string name = fmt::format("{}.P{}Q{}.smtpspec",
                                         std::chrono::duration_cast<std::chrono::microseconds>(now).count(),
                                         ::getpid(),
                                         mail.number);
    const fs::path fresh = fs::path(folder_) / "tmp" / name;
    std::string text = mail.return_path;
    for (const std::string& recipient : mail.recipients) {
        text += "Delivered-To: " + recipient + "\r\n";
    }
    text += mail.raw;
    std::string problem = fill(fresh, text);
    if (problem.empty()) {
        std::error_code failure;
        fs::rename(fresh, fs::path(folder_) / "new" / name, failure);
        problem = failure ? failure.message() : "";
    }
    if (!problem.empty()) {
        ::unlink(fresh.c_str());
        return tl::make_unexpected(
            fmt::format("--maildir {}: the message could not be written: {}", folder_, problem));
    }
    return {};
}

}  // namespace smtpspec::cli
