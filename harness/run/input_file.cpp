#include "harness/run/input_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace smtpspec::run {

namespace {

struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

tl::expected<std::string, std::string> read_input(const std::string& path,
                                                  const std::string& what,
                                                  std::size_t most) {
    const auto cannot = [&](const char* why) {
        return tl::make_unexpected(fmt::format("cannot read {} {}: {}", what, path, why));
    };
    const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "rb"));
    if (!file) {
        return cannot(std::strerror(errno));
    }
    std::string text;
    char part[65536];
    for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, file.get())) > 0;) {
        text.append(part, got);
        if (text.size() > most) {
            return cannot(fmt::format("it holds more than {} KiB", most / 1024).c_str());
        }
    }
    if (std::ferror(file.get()) != 0) {  // a folder shows here
        return cannot(std::strerror(errno));
    }
    return text;
}

}  // namespace smtpspec::run
