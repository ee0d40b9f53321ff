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

/// Standard output or error, when that is what the path leads to (/dev/stdout with a redirection): the shell
/// goes on writing to the same file, so it is neither truncated nor replaced.
std::FILE* our_stream(const struct stat& there) {
    for (std::FILE* stream : {stdout, stderr}) {
        struct stat ours{};
        if (::fstat(::fileno(stream), &ours) == 0 && ours.st_dev == there.st_dev &&
            ours.st_ino == there.st_ino) {
            return stream;
        }
    }
    return nullptr;
}

/// A file of ours with one name: replacing it changes nothing but what is in it.
bool may_be_replaced(const struct stat& there) {
    return S_ISREG(there.st_mode) && there.st_nlink == 1 && there.st_uid == ::geteuid();
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
    if (std::FILE* stream = exists ? our_stream(there) : nullptr) {
        const bool written = std::fwrite(text.data(), 1, text.size(), stream) == text.size();
        const bool failed = !written || std::fflush(stream) != 0;
        const bool seen_enough = failed && errno == EPIPE;
        return seen_enough || (written && std::ferror(stream) == 0) ? "" : std::strerror(errno);
    }
    if (exists ? !may_be_replaced(there) : ::lstat(path.c_str(), &there) == 0) {
        return write_in_place(path, text);  // also for a link that leads nowhere yet
    }
    const std::string target = exists ? behind_links(path) : path;
    if (exists && ::access(target.c_str(), W_OK) != 0) {
        return std::strerror(errno);
    }
    std::string fresh = target + ".XXXXXX";
    const int descriptor = ::mkstemp(fresh.data());
    if (descriptor < 0) {
        const bool only_here = errno == EACCES || errno == EPERM || errno == EROFS || errno == ENAMETOOLONG;
        return only_here ? write_in_place(path, text) : std::strerror(errno);
    }
    ::fchmod(descriptor, exists ? there.st_mode & 0777 : usual_mode());
    std::FILE* file = ::fdopen(descriptor, "wb");
    std::string problem = file == nullptr ? std::strerror(errno) : fill(file, text);
    if (problem.empty() && std::rename(fresh.c_str(), target.c_str()) != 0) {
        problem = write_in_place(path, text);  // a file that is mounted, or a folder with the sticky bit
        ::unlink(fresh.c_str());
    } else if (!problem.empty()) {
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
