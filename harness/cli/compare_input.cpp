#include "harness/cli/compare_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/run/input_file.hpp"

namespace smtpspec::cli {

namespace {

using Json = nlohmann::ordered_json;
using Problem = tl::expected<void, std::string>;

constexpr const char* hint =
    "Give a file that run or bench wrote with --format json --output FILE, or a folder with both";

std::string schema_of(const Json& document) {
    const auto found = document.is_object() ? document.find("schema") : document.end();
    return document.is_object() && found != document.end() && found->is_string() ? found->get<std::string>()
                                                                                 : "";
}

/// Adds a document to what is there. `strict`: one that is neither is an error. One that was cut is always
/// one: a folder that lost its result of run would turn the gate green.
Problem add(CompareInput& input, const std::string& path, const std::string& text, bool strict) {
    const Json document = Json::parse(text, nullptr, false);
    if (document.is_discarded()) {
        return tl::make_unexpected(fmt::format("{} is no JSON, or only a part of it. {}", path, hint));
    }
    const std::string schema = schema_of(document);
    const bool latency = schema.starts_with("smtpspec.latency/");
    if (!strict && !latency && !schema.starts_with("smtpspec.result/")) {
        return {};
    }
    if (latency ? input.latency.has_value() : input.verdicts.has_value()) {
        return tl::make_unexpected(
            fmt::format("{} is a second result of {}; keep one of each kind in the folder",
                        path,
                        latency ? "bench" : "run"));
    }
    if (latency) {
        auto read = latency::from_json(document);
        if (!read) {
            return tl::make_unexpected(fmt::format("{}: {}. {}", path, read.error(), hint));
        }
        input.latency = std::move(*read);
        return {};
    }
    auto read = run::result_from_json(document);
    if (!read) {
        return tl::make_unexpected(fmt::format("{}: {}. {}", path, read.error(), hint));
    }
    input.verdicts = std::move(*read);
    return {};
}

/// In the order of their names, so that messages are the same on every machine.
std::vector<std::string> json_files_in(const std::string& folder) {
    std::vector<std::string> found;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
        if (entry.path().extension() == ".json" && entry.is_regular_file(none)) {
            found.push_back(entry.path().string());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace

tl::expected<CompareInput, std::string> read_compare_input(const std::string& path, const std::string& name) {
    std::error_code none;
    const bool folder = std::filesystem::is_directory(path, none);
    const std::vector<std::string> files = folder ? json_files_in(path) : std::vector<std::string>{path};
    CompareInput input;
    for (const std::string& file : files) {
        const auto text = run::read_input(file, name, run::large_input);
        if (!text) {
            return tl::make_unexpected(text.error());
        }
        if (auto added = add(input, file, *text, !folder); !added) {
            return tl::make_unexpected(added.error());
        }
    }
    if (!input.verdicts && !input.latency) {
        return tl::make_unexpected(fmt::format("there is no result in {} ({}). {}", path, name, hint));
    }
    return input;
}

}  // namespace smtpspec::cli
