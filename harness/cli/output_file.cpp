#include "harness/cli/output_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace smtpspec::cli {

namespace fs = std::filesystem;

namespace {

/// Writes and closes; "" or the system's reason.
std::string fill(std::FILE* file, const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int write_error = errno;
    const bool closed = std::fclose(file) == 0;  // a full disk often shows only here
    if (written && closed) {
        return {};
    }
    return std::strerror(written ? errno : write_error);
}

std::string write_in_place(const std::string& path, const std::string& text) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    return file == nullptr ? std::strerror(errno) : fill(file, text);
}

/// What a file made now by fopen() would be open to.
mode_t usual_mode() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return 0666 & ~mask;
}

/// Where a chain of links ends, so that a link to a file stays one.
std::string behind_links(const std::string& path) {
    std::error_code failure;
    const fs::path real = fs::canonical(path, failure);
    return failure ? path : real.string();
}

}  // namespace

std::string write_file(const std::string& path, const std::string& text) {
    struct stat there{};
    const bool exists = ::stat(path.c_str(), &there) == 0;
    if (exists ? !S_ISREG(there.st_mode) : ::lstat(path.c_str(), &there) == 0) {
        return write_in_place(path, text);  // no file, or a link that leads nowhere yet
    }
    const std::string target = exists ? behind_links(path) : path;
    if (exists && ::access(target.c_str(), W_OK) != 0) {
        return std::strerror(errno);
    }
    std::string fresh = target + ".XXXXXX";
    const int descriptor = ::mkstemp(fresh.data());
    if (descriptor < 0) {
        return write_in_place(path, text);
    }
    ::fchmod(descriptor, exists ? there.st_mode & 07777 : usual_mode());
    std::FILE* file = ::fdopen(descriptor, "wb");
    std::string problem = file == nullptr ? std::strerror(errno) : fill(file, text);
    if (problem.empty() && std::rename(fresh.c_str(), target.c_str()) != 0) {
        problem = std::strerror(errno);
    }
    if (!problem.empty()) {
        ::unlink(fresh.c_str());
    }
    return problem;
}

void remove_stale(const std::string& path) {
    struct stat there{};
    if (!path.empty() && ::lstat(path.c_str(), &there) == 0 && S_ISREG(there.st_mode)) {
        ::unlink(path.c_str());
    }
}

bool same_file(const std::string& a, const std::string& b) {
    std::error_code failure;
    const bool present = fs::exists(a, failure) && fs::exists(b, failure);
    if (present) {
        return fs::is_regular_file(a, failure) && fs::equivalent(a, b, failure);
    }
    return fs::weakly_canonical(fs::absolute(a, failure), failure) ==
           fs::weakly_canonical(fs::absolute(b, failure), failure);
}

}  // namespace smtpspec::cli
