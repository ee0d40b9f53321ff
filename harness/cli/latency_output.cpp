#include "harness/cli/latency_output.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/cli/output.hpp"
#include "harness/report/html.hpp"

namespace smtpspec::cli {

bool is_format_of_latency(report::Format format) {
    return format == report::Format::terminal || format == report::Format::json ||
           format == report::Format::html;
}

bool has_formats_of_latency(const Arguments& arguments) {
    return std::all_of(arguments.outputs.begin(), arguments.outputs.end(), [](const OutputRequest& request) {
        return is_format_of_latency(request.format);
    });
}

std::string latency_document(const latency::LatencyResult& result) {
    return latency::to_json(result).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

bool write_latency(const Arguments& arguments, const latency::LatencyResult& result) {
    bool all = true;
    for (const OutputRequest& request : arguments.outputs) {
        const std::string text = request.format == report::Format::json   ? latency_document(result)
                                 : request.format == report::Format::html ? report::render_html(result)
                                                                          : latency::to_table(result);
        all = write_text(request.path, text) && all;
    }
    return all;
}

}  // namespace smtpspec::cli
