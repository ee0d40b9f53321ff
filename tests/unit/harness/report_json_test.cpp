#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/report/report.hpp"
#include "report_support.hpp"
#include "schema_support.hpp"

namespace smtpspec::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using run::Verdict;

/// What docs/result.schema.json has against the document; "" if nothing.
std::string complaints(const json& document) {
    return test::schema_complaints("docs/result.schema.json", document);
}

json document_of(const run::Result& result) { return json::parse(render_json(result)); }

run::Result with_everything() {
    run::Result result = test::mixed_result();
    run::Cell& cell = result.cells.front();
    cell.covers = {"starttls.a", "starttls.b"};
    cell.measurements = {{"gap", "12ms"}};
    result.rerun.emplace_back("--connect-to", "a:25:b:26");
    result.rerun.emplace_back("--connect-to", "c:25:d:26");
    wire::Entry odd;
    odd.kind = wire::EntryKind::received;
    odd.octets = std::string("\0\xff\xfe", 3);
    cell.transcript.push_back(odd);
    return result;
}

TEST(JsonReport, FitsItsSchema) {
    EXPECT_EQ(complaints(document_of(test::good_result())), "");
    EXPECT_EQ(complaints(document_of(with_everything())), "");
    EXPECT_EQ(complaints(document_of(run::Result{})), "");
}

TEST(JsonReport, IsAsItWas) {
    EXPECT_EQ(test::golden_difference("result_mixed.json", render_json(with_everything())), "");
}

TEST(JsonReport, ComesBackAsItWasWritten) {
    for (const auto& result : {test::good_result(), with_everything(), test::hostile_result()}) {
        const ordered_json once = run::to_json(result);
        const auto read = run::result_from_json(once);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(run::to_json(*read), once);
        const ordered_json written = ordered_json::parse(render_json(result));
        const auto read_again = run::result_from_json(written);
        ASSERT_TRUE(read_again) << read_again.error();
        EXPECT_EQ(render_json(*read_again), render_json(result));
    }
}

TEST(JsonReport, GivesTheSameReportsWhenReadBack) {
    const run::Result result = with_everything();
    const auto read = run::result_from_json(ordered_json::parse(render_json(result)));
    ASSERT_TRUE(read);
    EXPECT_EQ(render_terminal(*read, {}), render_terminal(result, {}));
    EXPECT_EQ(render_junit(*read), render_junit(result));
    EXPECT_EQ(render_markdown(*read, {}), render_markdown(result, {}));
    EXPECT_EQ(render_sarif(*read), render_sarif(result));
}

TEST(JsonReport, HasEveryVerdictInItsSchema) {
    for (int i = 0; i <= static_cast<int>(Verdict::Error); ++i) {
        run::Result result;
        result.cells.push_back(test::cell("a.b", 25, static_cast<Verdict>(i)));
        EXPECT_EQ(complaints(document_of(result)), "");
    }
}

TEST(ResultSchema, RefusesWhatIsNotDescribed) {
    const json good = document_of(with_everything());
    struct Row {
        const char* pointer;
        json value;
    };
    const Row rows[] = {{"/surprise", 1},
                        {"/schema", "smtpspec.result/2"},
                        {"/cells/0/verdict", "good"},
                        {"/cells/0/side", "client"},
                        {"/cells/0/client", "both"},
                        {"/cells/0/port", 70000},
                        {"/cells/0/level", "must"},
                        {"/cells/0/waiver", json{{"id", "x"}}},
                        {"/cells/0/transcript/0/kind", "seen"},
                        {"/cells/0/transcript/0/text", "and base64 too"},
                        {"/endpoints/0/ports/x", "tls"},
                        {"/summary/good", 1},
                        {"/seed", -1},
                        {"/rerun/0/value", nullptr}};
    for (const Row& row : rows) {
        json bad = good;
        bad[json::json_pointer(row.pointer)] = row.value;
        EXPECT_NE(complaints(bad), "") << row.pointer;
    }
    for (const auto& [key, value] : good["cells"][0].items()) {
        json bad = good;
        bad["cells"][0].erase(key);
        EXPECT_NE(complaints(bad), "") << key;
    }
    for (const auto& [key, value] : good.items()) {
        json bad = good;
        bad.erase(key);
        EXPECT_NE(complaints(bad), "") << key;
    }
}

/// What result_from_json() says about the document with one value changed ("" at the pointer: as it is).
std::string refusal_of(const std::string& pointer, const ordered_json& value) {
    ordered_json document = run::to_json(with_everything());
    document[ordered_json::json_pointer(pointer)] = value;
    const auto read = run::result_from_json(document);
    return read ? "accepted" : read.error();
}

TEST(JsonReport, RefusesWhatItCannotReadAndSaysWhere) {
    struct Row {
        const char* pointer;
        ordered_json value;
        const char* message;
    };
    const Row rows[] = {
        {"/schema", "smtpspec.result/2", "schema: expected \"smtpspec.result/1\", got \"smtpspec.result/2\""},
        {"/cells/0/verdict", "good", "cells[0].verdict: expected pass, "},
        {"/cells/1/side", "both", "cells[1].side: expected server or client, got \"both\""},
        {"/cells/0/port", 70000, "cells[0].port: expected a whole number from 0 to 65535, got 70000"},
        {"/cells/0/port", -1, "cells[0].port: expected a whole number from 0 to 65535, got -1"},
        {"/cells/0/rev", 1.5, "cells[0].rev: expected a whole number"},
        {"/cells/0/labels", "none", "cells[0].labels: expected a list"},
        {"/cells/0/params/a", 1, "cells[0].params.a: expected a text, got 1"},
        {"/cells/0/xpass", nullptr, "cells[0].xpass: expected true or false, got null"},
        {"/endpoints/0/ports/99999", "tls", "endpoints[0].ports.99999 is no port"},
        {"/seed", -1, "seed: expected a whole number from 0 to 18446744073709551615, got -1"},
        {"/rerun/0/value", nullptr, "rerun[0].value: expected a text"}};
    for (const Row& row : rows) {
        EXPECT_THAT(refusal_of(row.pointer, row.value), testing::HasSubstr(row.message));
    }
    ordered_json document = run::to_json(with_everything());
    document["cells"][0]["transcript"] = ordered_json::array(
        {{{"kind", "seen"}, {"at_us", 0}, {"connection", "1"}, {"tls", false}, {"text", ""}}});
    EXPECT_THAT(run::result_from_json(document).error(),
                testing::HasSubstr("cells[0].transcript[0].kind: expected sent, received, tls, end or note"));
    document["cells"][0]["transcript"][0] = {
        {"kind", "sent"}, {"at_us", 0}, {"connection", "1"}, {"tls", false}, {"base64", "%%%"}};
    EXPECT_THAT(run::result_from_json(document).error(),
                testing::HasSubstr("cells[0].transcript[0].base64: expected base64, got"));
    document["cells"][0].erase("fail_means");  // a document of 0.1.0
    EXPECT_THAT(run::result_from_json(document).error(), testing::Not(testing::HasSubstr("fail_means")));
    document["cells"][0].erase("title");
    EXPECT_THAT(run::result_from_json(document).error(), testing::HasSubstr("cells[0].title is missing"));
    EXPECT_THAT(run::result_from_json(ordered_json::array()).error(),
                testing::HasSubstr("expected an object"));
}

TEST(Format, HasAWordForEach) {
    EXPECT_EQ(format_from_string("terminal"), Format::terminal);
    EXPECT_EQ(format_from_string("json"), Format::json);
    EXPECT_EQ(format_from_string("junit"), Format::junit);
    EXPECT_EQ(format_from_string("markdown"), Format::markdown);
    EXPECT_EQ(format_from_string("sarif"), Format::sarif);
    EXPECT_EQ(format_from_string("JSON"), std::nullopt);
    EXPECT_EQ(render(Format::json, test::good_result(), {}), render_json(test::good_result()));
}

}  // namespace
}  // namespace smtpspec::report
