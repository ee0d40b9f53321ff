#include <benchmark/benchmark.h>

#include <random>

#include "harness/latency/histogram.hpp"

namespace {

using smtpspec::latency::Histogram;

/// Times as they come: most are near each other, some far off.
std::vector<Histogram::Time> times() {
    std::mt19937 random(1);
    std::lognormal_distribution<double> distribution(5, 1.5);
    std::vector<Histogram::Time> found(4096);
    for (Histogram::Time& time : found)
        time = Histogram::Time(static_cast<Histogram::Time::rep>(distribution(random)));
    return found;
}

void record_in_histogram(benchmark::State& state) {
    const std::vector<Histogram::Time> all = times();
    Histogram histogram;
    std::size_t next = 0;
    for (auto _ : state) {
        histogram.record(all[next++ % all.size()]);
    }
    benchmark::DoNotOptimize(histogram.count());
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(record_in_histogram);

Histogram filled() {
    Histogram histogram;
    for (const Histogram::Time time : times())
        histogram.record(time);
    return histogram;
}

void merge_histograms(benchmark::State& state) {
    const Histogram one = filled();
    Histogram sum;
    for (auto _ : state) {
        sum.merge(one);
        benchmark::DoNotOptimize(sum.count());
    }
}
BENCHMARK(merge_histograms);

void p99_of_histogram(benchmark::State& state) {
    const Histogram one = filled();
    for (auto _ : state) {
        benchmark::DoNotOptimize(one.percentile(99));
    }
}
BENCHMARK(p99_of_histogram);

void encode_histogram(benchmark::State& state) {
    const Histogram one = filled();
    for (auto _ : state) {
        benchmark::DoNotOptimize(one.encode());
    }
}
BENCHMARK(encode_histogram);

}  // namespace
