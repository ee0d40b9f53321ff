#include "harness/cli/descriptors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

namespace smtpspec::cli {

namespace {

constexpr int first_unnamed = 3;  // behind standard input, output and error

struct Given {
    std::optional<rlim_t> soft_limit;
    std::vector<int> descriptors;  ///< from `first_unnamed` on, ascending
};

Given& given() {
    static Given at_start;
    return at_start;
}

std::vector<int> open_descriptors() {
    std::vector<int> found;
    DIR* folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) {
        return found;
    }
    while (const dirent* entry = ::readdir(folder)) {
        const int descriptor = std::atoi(entry->d_name);
        if (descriptor >= first_unnamed && descriptor != ::dirfd(folder)) {
            found.push_back(descriptor);
        }
    }
    ::closedir(folder);
    std::sort(found.begin(), found.end());
    return found;
}

/// A descriptor of ours must not become the standard error that somebody closed: messages would go into a
/// socket. Closed ones lead to /dev/null, standard output to where writing fails, so that a lost report is
/// noticed.
void fill_standard_descriptors() {
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(descriptor, F_GETFD) != -1) {
            continue;
        }
        const bool out = descriptor == STDOUT_FILENO;
        [[maybe_unused]] const int opened =
            ::open("/dev/null", out ? O_RDONLY : O_RDWR);  // the lowest that is free
    }
}

}  // namespace

void prepare_descriptors() {
    fill_standard_descriptors();
    given().descriptors = open_descriptors();
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        given().soft_limit = limit.rlim_cur;
        limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 65536));
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void hand_on_descriptors() noexcept {
    // Where the kernel has no close_range (before 5.11), what we open is marked by itself all the same.
    auto from = static_cast<unsigned>(first_unnamed);
    for (const int descriptor : given().descriptors) {
        const auto kept = static_cast<unsigned>(descriptor);
        if (kept > from) {
            (void)::close_range(from, kept - 1, CLOSE_RANGE_CLOEXEC);
        }
        from = kept + 1;
    }
    (void)::close_range(from, ~0U, CLOSE_RANGE_CLOEXEC);
    rlimit limit{};
    if (given().soft_limit && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = *given().soft_limit;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace smtpspec::cli
