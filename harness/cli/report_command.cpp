#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <nlohmann/json.hpp>

#include "harness/cli/commands.hpp"
#include "harness/cli/output.hpp"

namespace smtpspec::cli {

int report_command(const Arguments& arguments) {
    const std::string& path = arguments.operands.front();
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        fmt::print(stderr, "smtpspec: cannot read the result {}: {}\n", path, std::strerror(errno));
        return 2;
    }
    const auto document = nlohmann::ordered_json::parse(in, nullptr, false);
    if (document.is_discarded()) {
        fmt::print(stderr,
                   "smtpspec: {} is no JSON. Give a file that run wrote with --format json --output FILE.\n",
                   path);
        return 2;
    }
    const auto result = run::result_from_json(document);
    if (!result) {
        fmt::print(stderr, "smtpspec: {}: {}\n", path, result.error());
        return 2;
    }
    if (!write_reports(arguments, *result)) {
        return 3;
    }
    return 0;
}

}  // namespace smtpspec::cli
