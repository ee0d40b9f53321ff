#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "harness/latency/compare.hpp"

namespace smtpspec::latency {

/// A made-up run: what each stage takes, and by how much it scatters.
struct MadeRun {
    std::map<Stage, double> times = {{Stage::connect, 40},
                                     {Stage::tls, 1300},
                                     {Stage::mail, 2000},
                                     {Stage::accepted, 8000},
                                     {Stage::total, 11500}};
    std::map<Stage, double> calibration = {{Stage::connect, 45},
                                           {Stage::tls, 1200},
                                           {Stage::mail, 60},
                                           {Stage::accepted, 70},
                                           {Stage::total, 1500}};
    double scatter = 0.03;  ///< of the logarithm, from block to block
    int blocks = 20;
    int messages = 200;
    unsigned seed = 1;
    std::vector<int> ports = {25, 587};

    LatencyResult result() const {
        std::mt19937 random(seed);
        std::normal_distribution<double> normal(0, scatter);
        LatencyResult made;
        made.endpoint = "made";
        made.machine.cpu = "a processor";
        for (const int number : ports) {
            PortLatency port;
            port.port = number;
            port.messages = port.sent = port.planned = messages;
            for (const auto& [stage, time] : times)
                for (int i = 0; i < messages; ++i)
                    port.stages[stage].record(Histogram::Time(std::llround(time * std::exp(normal(random)))));
            made.ports.push_back(port);
            for (int i = 0; i < blocks; ++i)
                made.blocks.push_back(block(number, random, normal));
        }
        return made;
    }

  private:
    Block block(int port, std::mt19937& random, std::normal_distribution<double>& normal) const {
        Block made;
        made.port = port;
        for (const auto& [from, to] :
             {std::pair(&times, &made.endpoint), std::pair(&calibration, &made.calibration)})
            for (const auto& [stage, time] : *from) {
                Quantiles& found = (*to)[stage];
                found.count = 10;
                found.p50_us = time * std::exp(normal(random));
                found.p99_us = found.p50_us * 1.3;
            }
        return made;
    }
};

inline LatencyComparison compared(const MadeRun& before,
                                  const MadeRun& after,
                                  const CompareRules& rules = {}) {
    auto found = compare(before.result(), after.result(), rules);
    EXPECT_TRUE(found) << (found ? "" : found.error());
    return found ? *found : LatencyComparison();
}

inline std::set<Stage> stages_with(const LatencyComparison& found, Change change) {
    std::set<Stage> stages;
    for (const StageChange& row : found.stages)
        if (row.change == change)
            stages.insert(row.stage);
    return stages;
}

inline MadeRun other(unsigned seed = 2) {
    MadeRun run;
    run.seed = seed;
    return run;
}

}  // namespace smtpspec::latency
