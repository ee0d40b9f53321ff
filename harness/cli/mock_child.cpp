#include "harness/cli/mock_child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include <boost/asio/steady_timer.hpp>

namespace smtpspec::cli {

namespace asio = boost::asio;

namespace {

constexpr int cannot_run = 127;

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment,
                         int report) {
    for (const auto& [name, value] : environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    std::vector<char*> words;
    for (const std::string& word : command) {
        words.push_back(
            const_cast<char*>(word.c_str()));  // NOLINT: execvp's old signature; it does not write
    }
    words.push_back(nullptr);
    ::execvp(words[0], words.data());
    const int problem = errno;
    [[maybe_unused]] const auto written = ::write(report, &problem, sizeof problem);
    ::_exit(cannot_run);
}

}  // namespace

tl::expected<ChildProcess, std::string> ChildProcess::start(
    const std::vector<std::string>& command, const std::map<std::string, std::string>& environment) {
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) {
        return tl::make_unexpected(std::string("pipe: ") + std::strerror(errno));
    }
    const pid_t id = ::fork();
    if (id == 0) {
        become(command, environment, report[1]);
    }
    ::close(report[1]);
    int problem = 0;
    const auto got = id > 0 ? ::read(report[0], &problem, sizeof problem) : 0;
    ::close(report[0]);
    if (id < 0) {
        return tl::make_unexpected(std::string("fork: ") + std::strerror(errno));
    }
    if (got > 0) {
        ::waitpid(id, nullptr, 0);
        return tl::make_unexpected("cannot run \"" + command.front() + "\": " + std::strerror(problem));
    }
    return ChildProcess(id);
}

wire::Awaitable<int> ChildProcess::wait(const std::atomic<bool>& stop) {
    asio::any_io_executor executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    bool told = false;
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(id_, &status, WNOHANG);
        if (ended == id_) {
            if (WIFSIGNALED(status)) {
                co_return 128 + WTERMSIG(status);
            }
            co_return WEXITSTATUS(status);
        }
        if (stop && !told) {
            ::kill(id_, SIGTERM);
            told = true;
        }
        timer.expires_after(std::chrono::milliseconds(20));
        co_await timer.async_wait(asio::use_awaitable);
    }
}

PrivateFolder::PrivateFolder() {
    const char* parent = std::getenv("TMPDIR");
    path_ = std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/smtpspec-mock-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::runtime_error("no folder for temporary files: " + path_ + ": " + std::strerror(errno));
    }
}

PrivateFolder::~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string PrivateFolder::write(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
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
