#include "harness/report/html.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "protocol/smtp/base64.hpp"

namespace smtpspec::report {

namespace {

using json = nlohmann::ordered_json;

/// Cells whose transcripts are packed together: they resemble each other, so that they pack better than one
/// by one, and few enough that a cell opens at once.
constexpr std::size_t cells_in_chunk = 32;

std::string_view web_file(std::string_view name) {
    for (const run::EmbeddedFile& file : web_files()) {
        if (file.name == name) {
            return file.text;
        }
    }
    throw std::logic_error("a file of the HTML report is not part of the program");
}

/// For Content-Security-Policy: only these very scripts and styles may run.
std::string source_hash(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 is not available");
    }
    const std::string octets(digest.begin(), digest.begin() + size);
    return "'sha256-" + smtp::base64_encode(octets) + "'";
}

/// Deflated, in base64: nothing in it can end the element that it stands in, whatever a peer has said.
std::string packed(const json& value) {
    const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    uLongf size = compressBound(text.size());
    std::string out(size, '\0');
    if (compress2(reinterpret_cast<Bytef*>(out.data()),
                  &size,
                  reinterpret_cast<const Bytef*>(text.data()),
                  text.size(),
                  Z_BEST_COMPRESSION) != Z_OK) {
        throw std::runtime_error("the result could not be compressed");
    }
    out.resize(size);
    return smtp::base64_encode(out);
}

std::string data_element(const std::string& id, const json& value) {
    return "<script type=\"text/plain\" id=\"" + id + "\">" + packed(value) + "</script>\n";
}

/// Style and script, with the policy that lets nothing else run and nothing be loaded.
std::string page(const std::string& data) {
    const std::array<std::string_view, 2> styles = {web_file("style.css"), web_file("plots.css")};
    const std::array<std::string_view, 2> scripts = {web_file("plots.js"), web_file("page.js")};
    std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src";
    std::string head, body;
    for (const std::string_view style : styles) {
        policy += " " + source_hash(style);
        head += "<style>" + std::string(style) + "</style>\n";
    }
    policy += "; script-src";
    for (const std::string_view script : scripts) {
        policy += " " + source_hash(script);
        body += "<script>" + std::string(script) + "</script>\n";
    }
    return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
           policy +
           "\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"
           "<meta name=\"color-scheme\" content=\"light dark\">\n"
           "<title>smtpspec</title>\n" +
           head +
           "</head>\n<body>\n<main id=\"main\"><noscript>This report needs JavaScript. The text report: " +
           "smtpspec report RESULT</noscript></main>\n" + data + body + "</body>\n</html>\n";
}

/// Percentiles as 100 - p falls by a constant factor: the tail gets as many points as the middle.
json curve(const latency::Histogram& times) {
    json points = json::array();
    for (double rest = 100; rest > 50.0 / static_cast<double>(times.count()); rest /= 1.25) {
        points.push_back({100 - rest, times.percentile(100 - rest).count()});
    }
    points.push_back({100, times.max().count()});
    return points;
}

/// How many messages took from `from` to below `from` * 2^(1/4): enough bars to see two usual times.
json bars(const latency::Histogram& times) {
    constexpr double step = 1.189207115002721;
    json list = json::array();
    double from = 1, to = step;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < times.counts().size(); ++i) {
        const auto at =
            static_cast<double>(latency::Histogram::lowest_in(static_cast<std::uint32_t>(i)).count());
        for (; at >= to; from = to, to *= step) {
            if (count > 0 || !list.empty()) {
                list.push_back({from, count});
            }
            count = 0;
        }
        count += times.counts()[i];
    }
    list.push_back({from, count});
    return list;
}

/// A stage with its curve and bars instead of all its buckets.
json drawn(json stage, const latency::Histogram& times) {
    stage["curve"] = curve(times);
    stage["bars"] = bars(times);
    stage.erase("histogram");
    return stage;
}

json drawn(const latency::LatencyResult& result) {
    json document = latency::to_json(result);
    for (std::size_t i = 0; i < result.ports.size(); ++i) {
        json& port = document["ports"][i];
        for (const auto& [stage, times] : result.ports[i].stages) {
            if (!times.empty()) {
                json& shown = port["stages"][latency::key_of(stage)];
                shown = drawn(std::move(shown), times);
            }
        }
        if (result.ports[i].series) {
            for (json& window : port["series"]["windows"]) {
                if (!window["total"].is_null()) {
                    window["total"].erase("histogram");
                }
            }
        }
    }
    document.erase("blocks");
    if (result.interrupted) {
        json& notices = document["notices"];
        notices.insert(notices.begin(), "interrupted: partial result");
    }
    return document;
}

/// The transcript of a cell, and behind it those of its earlier attempts; they are no longer in it.
json take_transcripts(json& cell) {
    json all = json::array({std::move(cell["transcript"])});
    cell.erase("transcript");
    if (cell.contains("attempts")) {
        for (json& attempt : cell["attempts"]) {
            all.push_back(std::move(attempt["transcript"]));
            attempt.erase("transcript");
        }
    }
    return all;
}

}  // namespace

std::string render_html(const run::Result& result, const RenderOptions& options) {
    json document = run::to_json(result);
    std::string transcripts;
    json chunk = json::array();
    for (std::size_t i = 0; i < result.cells.size(); ++i) {
        json& cell = document["cells"][i];
        cell["name"] = result.cells[i].name();
        cell["again"] = rerun_command(result, result.cells[i], options.program);
        chunk.push_back(take_transcripts(cell));
        if (chunk.size() == cells_in_chunk || i + 1 == result.cells.size()) {
            transcripts += data_element("transcripts-" + std::to_string(i / cells_in_chunk), chunk);
            chunk = json::array();
        }
    }
    document["cells_in_chunk"] = cells_in_chunk;
    return page(data_element("result", document) + transcripts);
}

std::string render_html(const latency::LatencyResult& result) {
    return page(data_element("result", drawn(result)));
}

namespace {

/// A comparison shows curves and no time series.
json drawn_for_comparison(const latency::LatencyResult& result) {
    json document = drawn(result);
    for (json& port : document["ports"]) {
        port.erase("series");
    }
    return document;
}

}  // namespace

std::string render_html(const ComparisonPage& comparison) {
    json document = comparison.document;
    if (comparison.before != nullptr && comparison.after != nullptr) {
        document["old"] = drawn_for_comparison(*comparison.before);
        document["new"] = drawn_for_comparison(*comparison.after);
    }
    return page(data_element("result", document));
}

}  // namespace smtpspec::report
