#include "harness/client/content.hpp"

#include <gtest/gtest.h>

#include "harness/client/client_under_test.hpp"
#include "harness/client/defect.hpp"

namespace smtpspec::client {
namespace {

TEST(Content, HasOnlyCrlfLineEnds) {
    const std::pair<std::string, std::string> cases[] = {
        {"a\nb\n", "a\r\nb\r\n"},
        {"a\rb\r", "a\r\nb\r\n"},
        {"a\r\nb\r\n", "a\r\nb\r\n"},
        {"a", "a\r\n"},
        {"", ""},
        {"a\r\r\nb", "a\r\n\r\nb\r\n"},
        {"a\n.\nb", "a\r\n.\r\nb\r\n"},
        {"a\r\n\r\n", "a\r\n\r\n"},
    };
    for (const auto& [source, wire] : cases)
        EXPECT_EQ(normalise_line_ends(source), wire);
}

TEST(Content, LosesItsBccFields) {
    EXPECT_EQ(without_bcc("To: a\r\nBcc: b,\r\n c\r\nSubject: x\r\n\r\nBcc: stays\r\n"),
              "To: a\r\nSubject: x\r\n\r\nBcc: stays\r\n");
    EXPECT_EQ(without_bcc("bcc : b\r\n"), "");
    EXPECT_EQ(without_bcc("\r\nBcc: body\r\n"), "\r\nBcc: body\r\n");
}

TEST(Content, BecomesQuotedPrintable) {
    const auto made = to_seven_bit("Subject: x\r\n\r\n\xC3\xA4 = \r\n");
    ASSERT_TRUE(made);
    EXPECT_EQ(*made,
              "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4 =3D=20\r\n");
    const auto wide = to_seven_bit("Subject: x\r\n\r\n" + std::string(5000, 'a') + "\r\n");
    ASSERT_TRUE(wide);
    EXPECT_FALSE(has_long_line(*wide));
}

TEST(Content, LongHeaderLinesAreFolded) {
    std::string to = "To: a@b.test";
    for (int i = 0; i < 200; ++i)
        to += ", recipient@mail.test";
    const auto made = to_seven_bit(to + "\r\n\r\nx\r\n");
    ASSERT_TRUE(made);
    EXPECT_FALSE(has_long_line(*made));
}

TEST(Content, ThatIsEncodedOrStructuredIsLeftAlone) {
    EXPECT_FALSE(to_seven_bit("Content-Type: multipart/mixed; boundary=x\r\n\r\n\xC3\xA4\r\n"));
    EXPECT_FALSE(to_seven_bit("Content-Transfer-Encoding: binary\r\n\r\n\xC3\xA4\r\n"));
    EXPECT_FALSE(to_seven_bit("Subject: \xC3\xA4\r\n\r\nx\r\n"));
}

TEST(DefectNames, AreUniqueAndAnUnknownOneIsRefused) {
    std::set<std::string> names;
    for (const DefectInfo& info : client_defects()) {
        EXPECT_TRUE(names.insert(std::string(info.name)).second) << info.name;
        EXPECT_FALSE(info.description.empty());
    }
    const Defects all(names);
    EXPECT_TRUE(all.has(Defect::continue_in_clear));
    EXPECT_TRUE(all.has(Defect::vague_errors));
    const std::set<std::string> unknown = {"no-such-defect"};
    EXPECT_THROW(Defects{unknown}, std::invalid_argument);
}

TEST(Says, IsTheWorstOfAllMessages) {
    using D = Delivery;
    const std::pair<std::vector<D>, const char*> cases[] = {
        {{D::sent, D::sent}, "sent"},
        {{D::sent, D::temporary}, "temporary"},
        {{D::permanent, D::temporary}, "permanent"},
        {{D::running, D::permanent}, "running"},
        {{}, "unknown"},
    };
    for (const auto& [states, word] : cases) {
        std::vector<MessageResult> results;
        for (const D state : states) {
            MessageResult result;
            result.state = state;
            results.push_back(result);
        }
        EXPECT_EQ(says_of(results), word);
    }
}

}  // namespace
}  // namespace smtpspec::client
