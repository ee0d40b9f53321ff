#include <nlohmann/json.hpp>

#include "harness/report/html.hpp"
#include "harness/report/report.hpp"

namespace smtpspec::report {

std::optional<Format> format_from_string(std::string_view word) {
    static constexpr std::pair<std::string_view, Format> known[] = {{"terminal", Format::terminal},
                                                                    {"json", Format::json},
                                                                    {"junit", Format::junit},
                                                                    {"markdown", Format::markdown},
                                                                    {"sarif", Format::sarif},
                                                                    {"html", Format::html}};
    for (const auto& [name, format] : known) {
        if (word == name) {
            return format;
        }
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
        case Format::markdown:
            return render_markdown(result, options);
        case Format::sarif:
            return render_sarif(result);
        case Format::html:
            return render_html(result, options);
        case Format::terminal:
            break;
    }
    return render_terminal(result, options);
}

}  // namespace smtpspec::report
