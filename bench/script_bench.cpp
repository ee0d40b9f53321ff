#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "protocol/script/scenario.hpp"

namespace {

/// All scenarios of the project, as `smtpspec run` reads them at its start.
std::vector<std::string> scenario_files() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SMTPSPEC_SCENARIOS)) {
        if (entry.path().extension() == ".smtp") {
            std::stringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            found.push_back(text.str());
        }
    }
    return found;
}

void parse_all_scenarios(benchmark::State& state) {
    const std::vector<std::string> files = scenario_files();
    std::size_t octets = 0;
    for (const std::string& text : files) {
        octets += text.size();
    }
    if (files.empty()) {
        state.SkipWithError("no scenario was found");
        return;
    }
    for (auto _ : state) {
        for (const std::string& text : files) {
            benchmark::DoNotOptimize(smtpspec::script::load_scenario(text, "bench.smtp"));
        }
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets));
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * files.size()));
}
BENCHMARK(parse_all_scenarios)->Unit(benchmark::kMillisecond);

}  // namespace
