#include "harness/cli/maildir.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

namespace smtpspec::cli {

namespace fs = std::filesystem;

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

void Maildir::deliver(const mock::Mail& mail) const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string name = fmt::format("{}.P{}Q{}.smtpspec",
                                         std::chrono::duration_cast<std::chrono::microseconds>(now).count(),
                                         ::getpid(),
                                         mail.number);
    const fs::path fresh = fs::path(folder_) / "tmp" / name;
    std::ofstream out(fresh, std::ios::binary);
    out << "Return-Path: <" << mail.from << ">\r\n";
    for (const std::string& recipient : mail.recipients) {
        out << "Delivered-To: " << recipient << "\r\n";
    }
    out << mail.raw;
    out.close();
    std::error_code failure;
    fs::rename(fresh, fs::path(folder_) / "new" / name, failure);
    if (!out || failure) {
        throw std::runtime_error("--maildir " + folder_ + ": the message could not be written");
    }
}

}  // namespace smtpspec::cli
