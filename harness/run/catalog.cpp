#include "harness/run/catalog.hpp"

#include <algorithm>
#include <filesystem>

#include "harness/client/client_under_test.hpp"
#include "harness/run/embedded.hpp"
#include "harness/run/input_file.hpp"
#include "mockserver/defects.hpp"
#include "protocol/script/suggest.hpp"

namespace smtpspec::run {

namespace {

bool ends_with(std::string_view text, std::string_view tail) {
    return text.size() >= tail.size() && text.substr(text.size() - tail.size()) == tail;
}

}  // namespace

std::string_view group_of(std::string_view id) { return id.substr(0, id.find('.')); }

std::string Catalog::add(const std::string& name, std::string text, const std::string& shown_name) {
    if (!ends_with(name, ".smtp")) {
        data_[name] = std::move(text);
        return {};
    }
    auto loaded = script::load_scenario(text, shown_name);
    if (!loaded) {
        return loaded.error().render();
    }
    const std::string id = loaded->id();
    if (const auto [known, fresh] = sources_.emplace(id, shown_name); !fresh) {
        return fmt::format("{}:1:1: error: scenario {} is in {} already; give one of them another id\n",
                           shown_name,
                           id,
                           known->second);
    }
    std::erase_if(scenarios_, [&](const auto& known) { return known->id() == id; });
    scenarios_.push_back(std::make_shared<const script::Scenario>(std::move(*loaded)));
    return {};
}

void Catalog::sort() {
    std::sort(
        scenarios_.begin(), scenarios_.end(), [](const auto& a, const auto& b) { return a->id() < b->id(); });
}

tl::expected<Catalog, std::string> Catalog::load(const std::string& directory) {
    Catalog catalog;
    std::string problems;
    for (const EmbeddedFile& file : embedded_files()) {
        problems += catalog.add(
            std::string(file.name), std::string(file.text), "scenarios/" + std::string(file.name));
    }
    catalog.sources_.clear();  // an embedded one may be replaced, but once
    if (!directory.empty()) {
        std::error_code failure;
        if (!std::filesystem::is_directory(directory, failure)) {
            return tl::make_unexpected(fmt::format(
                "--scenarios {}: no such folder. Give a folder that holds *.smtp files (any depth).",
                directory));
        }
        std::vector<std::filesystem::path> paths;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, failure)) {
            const std::string name = entry.path().string();
            if (entry.is_regular_file() && (ends_with(name, ".smtp") || ends_with(name, ".yaml"))) {
                paths.push_back(entry.path());
            }
        }
        std::sort(paths.begin(), paths.end());
        for (const auto& path : paths) {
            auto text = read_input(path.string(), "the scenario file", 8 * small_input);
            if (!text) {
                return tl::make_unexpected(text.error());
            }
            problems += catalog.add(
                std::filesystem::relative(path, directory).string(), std::move(*text), path.string());
        }
    }
    if (!problems.empty()) {
        return tl::make_unexpected(problems);
    }
    catalog.sort();
    return catalog;
}

tl::expected<Catalog, std::string> Catalog::from_files(const std::vector<std::string>& files) {
    Catalog catalog;
    std::string problems;
    for (const std::string& file : files) {
        auto text = read_input(file, "the scenario file", 8 * small_input);
        if (!text) {
            return tl::make_unexpected(text.error());
        }
        problems += catalog.add(file, std::move(*text), file);
    }
    if (!problems.empty()) {
        return tl::make_unexpected(problems);
    }
    catalog.sort();
    return catalog;
}

std::shared_ptr<const script::Scenario> Catalog::find(std::string_view id) const {
    for (const auto& scenario : scenarios_) {
        if (scenario->id() == id) {
            return scenario;
        }
    }
    return nullptr;
}

const std::string* Catalog::data(const std::string& name) const {
    const auto found = data_.find(name);
    return found == data_.end() ? nullptr : &found->second;
}

std::vector<std::string> Catalog::data_names(std::string_view folder) const {
    std::vector<std::string> names;
    for (const auto& [name, text] : data_) {
        if (name.size() > folder.size() && name.compare(0, folder.size(), folder) == 0 &&
            name[folder.size()] == '/') {
            names.push_back(name.substr(folder.size() + 1));
        }
    }
    return names;
}

std::string Catalog::suggest(std::string_view id) const {
    std::vector<std::string> known;
    for (const auto& scenario : scenarios_) {
        known.push_back(scenario->id());
    }
    return script::nearest_word(id, known);
}

script::LintVocabulary lint_vocabulary() {
    auto vocabulary = script::LintVocabulary::standard();
    for (const auto& defect : mock::server_defects()) {
        vocabulary.server_defects.insert(std::string(defect.name));
    }
    for (const auto& defect : client::client_defects()) {
        vocabulary.client_defects.insert(std::string(defect.name));
    }
    return vocabulary;
}

}  // namespace smtpspec::run
