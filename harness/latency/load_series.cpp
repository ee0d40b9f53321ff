#include "harness/latency/load_series.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

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

SeriesWindow read_window(const Json& json) {
    SeriesWindow window;
    json.at("due").get_to(window.due);
    json.at("sent").get_to(window.sent);
    json.at("failed").get_to(window.failed);
    if (!json.at("total").is_null()) {
        window.total = histogram_from_json(json.at("total"));
    }
    if (window.total.count() != window.sent || window.sent > window.due ||
        window.failed > window.due - window.sent) {
        throw std::invalid_argument("a window of a series counts more messages than were due in it");
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

LoadSeries series_from_json(const Json& json) {
    LoadSeries series;
    json.at("seconds_per_window").get_to(series.width);
    if (!(series.width > 0) || !std::isfinite(series.width)) {
        throw std::invalid_argument("seconds_per_window of a series has to be above 0");
    }
    for (const Json& window : json.at("windows")) {
        if (series.windows.size() == most_windows) {
            throw std::invalid_argument("a series has more windows than smtpspec writes");
        }
        series.windows.push_back(read_window(window));
    }
    return series;
}

}  // namespace smtpspec::latency
