#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "harness/report/html.hpp"
#include "protocol/smtp/base64.hpp"
#include "report_support.hpp"

namespace smtpspec::report {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::size_t count(std::string_view text, std::string_view word) {
    std::size_t found = 0;
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        ++found;
    }
    return found;
}

/// What the page unpacks from the element with this id.
json unpacked(const std::string& page, const std::string& id) {
    const std::string begin = "id=\"" + id + "\">";
    const std::size_t from = page.find(begin) + begin.size();
    const auto octets = smtp::base64_decode(page.substr(from, page.find("</script>", from) - from));
    std::string text(16U << 20U, '\0');
    uLongf size = text.size();
    EXPECT_TRUE(octets);
    EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(text.data()),
                         &size,
                         reinterpret_cast<const Bytef*>(octets->data()),
                         octets->size()),
              Z_OK);
    return json::parse(text.substr(0, size));
}

/// The page without scripts, styles and data: what a parser reads as markup.
std::string markup_of(std::string page) {
    for (const std::string name : {"script", "style"}) {
        for (std::size_t at = page.find("<" + name); at != std::string::npos;
             at = page.find("<" + name, at)) {
            page.erase(at, page.find("</" + name + ">", at) - at + name.size() + 3);
        }
    }
    return page;
}

TEST(ReportHtml, loads_nothing_from_anywhere) {
    const std::string page = render_html(test::mixed_result(), {});
    const std::string markup = markup_of(page);
    for (const char* word : {"src=", "href=", "<link", "<img", "<iframe", "http:", "https:"}) {
        EXPECT_THAT(markup, Not(HasSubstr(word)));
    }
    EXPECT_THAT(markup, HasSubstr("default-src 'none'"));
    for (const char* word : {"@import", "url(", "fetch(", "XMLHttpRequest", "WebSocket", "innerHTML ="}) {
        EXPECT_THAT(page, Not(HasSubstr(word)));
    }
}

TEST(ReportHtml, the_text_of_a_peer_is_never_in_the_page_as_it_is) {
    run::Result result = test::hostile_result();
    run::Cell cell = test::cell("group.name", 25, run::Verdict::Fail);
    const std::string hostile = "</script><img src=x onerror=alert(1)>]]><!--<script>";
    cell.got = cell.reason = cell.title = cell.fail_means = hostile;
    wire::Entry entry;
    entry.kind = wire::EntryKind::received;
    entry.octets = hostile + std::string("\0\xff\x1b[31m", 7);
    cell.transcript = {entry};
    result.cells = {cell};
    result.notices = {hostile};
    const std::string page = render_html(result, {});
    for (const char* word : {"onerror", "]]>", "<!--", "\x1b"}) {
        EXPECT_THAT(page, Not(HasSubstr(word)));
    }
    EXPECT_EQ(count(page, "<script"), count(page, "</script>"));
    EXPECT_EQ(unpacked(page, "result").at("cells").at(0).at("got"), hostile);
    EXPECT_EQ(
        smtp::base64_decode(unpacked(page, "transcripts-0")[0][0][0].at("base64").get<std::string>()).value(),
        entry.octets);
}

TEST(ReportHtml, a_script_element_holds_nothing_that_ends_it_early) {
    const std::string page = render_html(test::hostile_result(), {});
    // result, one chunk of transcripts, plots and page
    EXPECT_EQ(count(page, "<script"), 4U);
    EXPECT_EQ(count(page, "</script>"), 4U);
}

TEST(ReportHtml, holds_every_cell_with_its_command_and_transcripts_apart) {
    run::Result result = test::mixed_result();
    const run::Cell some = result.cells.front();
    result.cells.resize(70, some);
    const std::string page = render_html(result, {});
    const json document = unpacked(page, "result");
    ASSERT_EQ(document.at("cells").size(), 70U);
    EXPECT_EQ(document.at("cells").at(69).at("again"), rerun_command(result, some, "smtpspec"));
    EXPECT_FALSE(document.at("cells").at(69).contains("transcript"));
    const std::size_t chunk = document.at("cells_in_chunk");
    EXPECT_EQ(unpacked(page, "transcripts-" + std::to_string(69 / chunk)).size(), (70 - 1) % chunk + 1);
}

TEST(ReportHtml, a_latency_page_has_a_curve_and_bars_that_count_all) {
    latency::LatencyResult result;
    result.endpoint = "e";
    latency::PortLatency port;
    port.port = 587;
    for (int us = 100; us < 1100; ++us) {
        port.stages[latency::Stage::greeting].record(std::chrono::microseconds(us));
    }
    result.ports = {port};
    const json stage = unpacked(render_html(result), "result").at("ports").at(0).at("stages").at("greeting");
    std::uint64_t bars = 0;
    for (const json& bar : stage.at("bars")) {
        bars += bar.at(1).get<std::uint64_t>();
    }
    EXPECT_EQ(bars, 1000U);
    EXPECT_EQ(stage.at("curve").back(), json::array({100, 1099}));
}

TEST(ReportHtml, a_latency_page_says_that_it_is_only_a_part) {
    latency::LatencyResult result;
    result.notices = {"a pause"};
    EXPECT_EQ(unpacked(render_html(result), "result").at("notices"), json::array({"a pause"}));
    result.interrupted = true;
    EXPECT_EQ(unpacked(render_html(result), "result").at("notices"),
              json::array({"interrupted: partial result", "a pause"}));
}

TEST(ReportHtml, a_comparison_holds_what_changed_and_the_times_of_both) {
    latency::LatencyResult before;
    latency::PortLatency port;
    port.port = 587;
    port.stages[latency::Stage::total].record(std::chrono::milliseconds(5));
    port.series = latency::empty_series(0.2);
    port.series->windows[0].due = port.series->windows[0].sent = 1;
    port.series->windows[0].total.record(std::chrono::milliseconds(5));
    before.ports = {port};
    latency::LatencyResult after = before;
    after.ports[0].stages[latency::Stage::total].record(std::chrono::milliseconds(9));
    ComparisonPage comparison;
    comparison.document = {{"schema", "smtpspec.comparison/1"}, {"missing", {"</script>"}}};
    const json alone = unpacked(render_html(comparison), "result");
    EXPECT_FALSE(alone.contains("old"));
    EXPECT_EQ(alone.at("missing").at(0), "</script>");
    comparison.before = &before;
    comparison.after = &after;
    const json both = unpacked(render_html(comparison), "result");
    const auto last = [&](const char* side) {
        return both.at(side).at("ports").at(0).at("stages").at("total").at("curve").back().at(1);
    };
    EXPECT_EQ(last("old"), 5000);
    EXPECT_EQ(last("new"), 9000);
    EXPECT_FALSE(both.at("new").at("ports").at(0).contains("series")) << "the page does not show it";
}

}  // namespace
}  // namespace smtpspec::report
