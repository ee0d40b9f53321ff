#include "harness/cli/output_tee.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <utility>

namespace smtpspec::cli {

namespace {

constexpr std::size_t kept_octets = 64U << 10;

void close_end(int& descriptor) {
    if (descriptor >= 0) {
        ::close(std::exchange(descriptor, -1));
    }
}

/// False while whoever reads our output is behind. A file, and what is broken, takes everything.
bool takes_more(int descriptor) {
    pollfd look{descriptor, POLLOUT, 0};
    return ::poll(&look, 1, 0) != 0;
}

}  // namespace

tl::expected<OutputTee, std::string> OutputTee::create() {
    OutputTee tee;
    for (Way& way : tee.ways_) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) {
            return tl::make_unexpected(std::string("pipe: ") + std::strerror(errno));
        }
        way.from = ends[0];
        way.into = ends[1];
        ::fcntl(way.from, F_SETFL, O_NONBLOCK);  // the command's end stays as programs expect it
    }
    return tee;
}

OutputTee::OutputTee(OutputTee&& other) noexcept
    : ways_(std::exchange(other.ways_, {})), text_(std::move(other.text_)) {}

OutputTee::~OutputTee() {
    for (Way& way : ways_) {
        close_end(way.from);
        close_end(way.into);
    }
}

void OutputTee::become_child() const noexcept {
    ::dup2(ways_[0].into, STDOUT_FILENO);
    ::dup2(ways_[1].into, STDERR_FILENO);
}

void OutputTee::started() {
    for (Way& way : ways_) {
        close_end(way.into);
    }
}

bool OutputTee::pump() {
    // A pipe that is ready takes PIPE_BUF octets without waiting, and perhaps no more.
    std::array<char, PIPE_BUF> buffer;
    constexpr int pieces = 16;
    bool moved = false;
    for (std::size_t i = 0; i < ways_.size(); ++i) {
        std::FILE* const out = i == 0 ? stdout : stderr;
        for (int piece = 0; piece < pieces && ways_[i].from >= 0 && takes_more(::fileno(out)); ++piece) {
            const ssize_t got = ::read(ways_[i].from, buffer.data(), buffer.size());
            if (got <= 0) {
                break;
            }
            const auto count = static_cast<std::size_t>(got);
            [[maybe_unused]] const std::size_t written = std::fwrite(buffer.data(), 1, count, out);
            std::fflush(out);
            text_.append(buffer.data(), std::min(count, kept_octets - std::min(kept_octets, text_.size())));
            moved = true;
        }
    }
    return moved;
}

}  // namespace smtpspec::cli
