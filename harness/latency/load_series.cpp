#include "harness/latency/load_series.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/latency/histogram_json.hpp"

namespace smtpspec::latency {

using Json = nlohmann::ordered_json;

namespace {

/// Windows of this width; 0.3 / 0.1 is a little less than 3.
std::size_t windows_of(double seconds, double width) {
    return static_cast<std::size_t>(std::max(1.0, std::ceil(seconds / width - 1e-9)));
}

Json window_json(const SeriesWindow& window) {
    Json json;
    json["due"] = window.due;
    json["sent"] = window.sent;
    json["failed"] = window.failed;
    json["total"] = window.total.empty() ? Json(nullptr) : histogram_json(window.total);
    return json;
}

SeriesWindow read_window(const document::Value& shown) {
    SeriesWindow window;
    window.due = shown.at("due").number<std::uint64_t>();
    window.sent = shown.at("sent").number<std::uint64_t>();
    window.failed = shown.at("failed").number<std::uint64_t>();
    if (const document::Value total = shown.at("total"); !total.is_null()) {
        window.total = read_histogram(total);
    }
    if (window.total.count() != window.sent || window.sent > window.due ||
        window.failed > window.due - window.sent) {
        shown.refuse("it counts more messages than were due in it");
    }
    return window;
}

}  // namespace

double window_width(double seconds) {
    for (double decade = 0.1;; decade *= 10) {
        for (const double step : {1.0, 2.0, 5.0}) {
            if (windows_of(seconds, decade * step) <= most_windows) {
                return decade * step;
            }
        }
    }
}

LoadSeries empty_series(double seconds) {
    LoadSeries series;
    series.width = window_width(seconds);
    series.windows.resize(windows_of(seconds, series.width));
    return series;
}

bool LoadSeries::merge(const LoadSeries& other) {
    if (width != other.width) {
        return false;
    }
    windows.resize(std::max(windows.size(), other.windows.size()));
    for (std::size_t i = 0; i < other.windows.size(); ++i) {
        windows[i].due += other.windows[i].due;
        windows[i].sent += other.windows[i].sent;
        windows[i].failed += other.windows[i].failed;
        windows[i].total.merge(other.windows[i].total);
    }
    return true;
}

Json to_json(const LoadSeries& series) {
    Json json;
    json["seconds_per_window"] = series.width;
    json["windows"] = Json::array();
    for (const SeriesWindow& window : series.windows) {
        json["windows"].push_back(window_json(window));
    }
    return json;
}

LoadSeries read_series(const document::Value& shown) {
    LoadSeries series;
    const document::Value width = shown.at("seconds_per_window");
    series.width = width.real();
    if (!(series.width > 0)) {
        width.wrong("a number above 0");
    }
    const document::Value windows = shown.at("windows");
    windows.each([&](const document::Value& window) {
        if (series.windows.size() == most_windows) {
            windows.refuse(fmt::format("more than the {} that smtpspec writes", most_windows));
        }
        series.windows.push_back(read_window(window));
    });
    return series;
}

}  // namespace smtpspec::latency
