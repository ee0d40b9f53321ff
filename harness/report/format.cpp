#include <nlohmann/json.hpp>

#include "harness/report/html.hpp"
#include "harness/report/report.hpp"

namespace smtpspec::report {

std::optional<Format> format_from_string(std::string_view word) {
    if (word == "terminal") {
        return Format::terminal;
    }
    if (word == "json") {
        return Format::json;
    }
    if (word == "junit") {
        return Format::junit;
    }
    if (word == "html") {
        return Format::html;
    }
    return std::nullopt;
}

std::string render_json(const run::Result& result) {
    return run::to_json(result).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string render(Format format, const run::Result& result, const RenderOptions& options) {
    switch (format) {
        case Format::json:
            return render_json(result);
        case Format::junit:
            return render_junit(result);
        case Format::html:
            return render_html(result, options);
        case Format::terminal:
            break;
    }
    return render_terminal(result, options);
}

}  // namespace smtpspec::report
