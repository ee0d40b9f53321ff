#include "harness/cli/private_files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace smtpspec::cli {

namespace {
std::atomic<const PrivateFolder*> present{nullptr};
static_assert(std::atomic<const PrivateFolder*>::is_always_lock_free, "used in a signal handler");
static_assert(std::atomic<std::size_t>::is_always_lock_free, "used in a signal handler");
}  // namespace

PrivateFolder::PrivateFolder() {
    const char* parent = std::getenv("TMPDIR");
    path_ = std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/smtpspec-mock-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("no folder for temporary files: " + path_ + ": " + std::strerror(errno));
    }
    present = this;
}

PrivateFolder::~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    present = nullptr;
}

std::string PrivateFolder::write(const std::string& name, const std::string& text) {
    if (count_ == files_.size()) {
        throw std::length_error("no place for " + name + " in " + path_);
    }
    const std::string path = path_ + "/" + name;
    files_[count_] = path;
    ++count_;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int problem = errno;
    if (file >= 0) {
        ::close(file);
    }
    if (!written) {
        throw std::runtime_error("cannot write " + path + ": " + std::strerror(problem));
    }
    return path;
}

void PrivateFolder::remove_now() noexcept {
    const PrivateFolder* folder = present;
    if (folder == nullptr) {
        return;
    }
    for (std::size_t i = 0; i < folder->count_; ++i) {
        ::unlink(folder->files_[i].c_str());
    }
    ::rmdir(folder->path_.c_str());
}

MemoryFile::MemoryFile(const std::string& text) : descriptor_(::memfd_create("smtpspec", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(text.size());
    if (descriptor_ < 0 || ::write(descriptor_, text.data(), text.size()) != size) {
        throw std::runtime_error(std::string("memfd_create: ") + std::strerror(errno));
    }
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

std::string MemoryFile::path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
}

}  // namespace smtpspec::cli
