#include <chrono>

#include "protocol/script/interpreter.hpp"
#include "protocol/script/rules_engine.hpp"
#include "tests/unit/script/eval_scope.hpp"

namespace smtpspec::script {
namespace {

using namespace std::chrono_literals;

std::vector<Rule> rules(const std::string& text) {
    auto parsed = parse_rules(text, "test");
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().render());
    return parsed ? *parsed : std::vector<Rule>();
}

ServerEvent command(const std::string& line, int session = 1) {
    ServerEvent event;
    event.kind = ServerEventKind::command;
    event.line = line;
    event.verb = line.substr(0, line.find(' '));
    event.octets = line.size();
    event.session.number = session;
    return event;
}

/// What a decision would do, in words.
std::string show(const Decision& decision) {
    std::string text;
    for (const PlayedAct& act : decision.acts) {
        if (const auto* reply = std::get_if<act::Reply>(&act)) {
            text += "reply " + reply->octets.substr(0, 3) + ";";
        } else if (const auto* raw = std::get_if<act::Raw>(&act)) {
            text += "send " + std::to_string(raw->writes.size()) + ";";
        } else if (const auto* omit = std::get_if<act::Omit>(&act)) {
            text += "omit " + omit->keyword + ";";
        } else if (std::holds_alternative<act::DropRst>(act)) {
            text += "rst;";
        } else {
            text += "act" + std::to_string(act.index()) + ";";
        }
    }
    return text + (decision.answered ? "answered" : "");
}

TEST(Rules, the_first_rule_that_answers_ends_the_search) {
    const auto overlay = make_overlay(rules("on EHLO -> omit STARTTLS\n"
                                            "on EHLO -> wait 10ms\n"
                                            "on EHLO -> \"451 later\"\n"
                                            "on command -> \"500 never\"\n"),
                                      1);
    EXPECT_EQ(show(overlay->decide(command("EHLO x"))), "omit STARTTLS;act9;reply 451;answered");
    EXPECT_EQ(show(overlay->decide(command("NOOP"))), "reply 500;answered");
}

TEST(Rules, without_a_rule_the_faithful_server_answers) {
    const auto overlay = make_overlay(rules("on MAIL /<bad@/ -> \"550 no\"\n"), 1);
    EXPECT_EQ(show(overlay->decide(command("MAIL FROM:<good@x.test>"))), "");
    EXPECT_EQ(show(overlay->decide(command("MAIL FROM:<bad@x.test>"))), "reply 550;answered");
}

TEST(Rules, count_over_all_sessions) {
    const auto overlay =
        make_overlay(rules("on MAIL first 2 -> \"451 4.7.1 try later\"\non MAIL after 3 -> drop rst\n"), 1);
    std::string all;
    for (int i = 0; i < 5; ++i) {
        all += show(overlay->decide(command("MAIL FROM:<a@x.test>", i))) + " ";
    }
    EXPECT_EQ(all, "reply 451;answered reply 451;answered  rst;answered rst;answered ");
    ASSERT_EQ(overlay->fits().size(), 2U);
    EXPECT_EQ(overlay->fits()[0].fits, 5U);
    EXPECT_EQ(overlay->fits()[0].rule, "on MAIL first 2 -> \"451 4.7.1 try later\"");
}

TEST(Rules, look_at_the_session_and_the_command) {
    const auto overlay = make_overlay(
        rules("on RCPT if session.rcpts >= 2 and command.address ~ /x/ -> \"452 too many\"\n"), 1);
    ServerEvent event = command("RCPT TO:<x@x.test>");
    event.address = "x@x.test";
    EXPECT_EQ(show(overlay->decide(event)), "");
    event.session.rcpts = 2;
    EXPECT_EQ(show(overlay->decide(event)), "reply 452;answered");
}

TEST(Rules, content_fits_once_for_each_message_when_it_passes_the_size) {
    const auto overlay = make_overlay(rules("on data 64KiB -> drop rst\n"), 1);
    EXPECT_EQ(overlay->next_data_size(0), 65536U);
    EXPECT_FALSE(overlay->next_data_size(65536));
    ServerEvent event;
    event.kind = ServerEventKind::data;
    std::string all;
    for (const std::size_t octets : {1000U, 70000U, 80000U, 500U, 65536U}) {
        event.octets = octets;
        all += show(overlay->decide(event)) + " ";
    }
    EXPECT_EQ(all, " rst;answered   rst;answered ");
}

TEST(Rules, idle_fits_once_for_each_stretch) {
    const auto overlay = make_overlay(rules("on idle 2s -> \"421 bye\"\non idle 500ms -> wait 1ms\n"), 1);
    EXPECT_EQ(overlay->next_idle(0ms), 500ms);
    EXPECT_EQ(overlay->next_idle(500ms), 2s);
    EXPECT_FALSE(overlay->next_idle(2s));
    ServerEvent event;
    event.kind = ServerEventKind::idle;
    std::string all;
    for (const auto idle : {500ms, 2000ms, 500ms}) {
        event.idle = idle;
        all += show(overlay->decide(event)) + " ";
    }
    EXPECT_EQ(all, "act9; reply 421;answered act9; ");
}

TEST(Rules, chance_follows_the_seed) {
    const auto play = [](std::uint64_t seed) {
        const auto overlay = make_overlay(rules("on NOOP if chance(50%) -> \"451 later\"\n"), seed);
        std::string all;
        for (int i = 0; i < 32; ++i) {
            all += overlay->decide(command("NOOP")).answered ? '1' : '0';
        }
        return all;
    };
    EXPECT_EQ(play(7), play(7));
    EXPECT_NE(play(7), play(8));
    EXPECT_NE(play(7).find('0'), std::string::npos);
    EXPECT_NE(play(7).find('1'), std::string::npos);
}

TEST(Rules, a_reply_gets_its_line_end_and_may_be_cut) {
    const auto overlay = make_overlay(rules("on NOOP -> \"250 fine\" by 4 every 5ms\n"), 1);
    const Decision decision = overlay->decide(command("NOOP"));
    ASSERT_EQ(decision.acts.size(), 1U);
    const auto& reply = std::get<act::Reply>(decision.acts.front());
    EXPECT_EQ(reply.octets, "250 fine\r\n");
    ASSERT_EQ(reply.writes.size(), 3U);
    EXPECT_EQ(reply.writes[2].octets, "\r\n");
    EXPECT_EQ(reply.writes[2].pause, 5ms);
}

Limiter limiter(std::int64_t rate, std::int64_t burst, LimiterScope per) {
    Limiter made;
    made.name = "account";
    made.rate = rate;
    made.burst = burst;
    made.per = per;
    return made;
}

TEST(Limiter, lets_a_burst_through_and_then_the_rate) {
    Limiters limiters({limiter(10, 3, LimiterScope::Login)});
    const Limiters::Time start{};
    SessionFacts session;
    session.user = "u";
    std::string all;
    for (const auto at : {0ms, 0ms, 0ms, 0ms, 50ms, 100ms, 101ms, 1000ms}) {
        all += *limiters.over("account", session, start + at) ? 'x' : '.';
    }
    EXPECT_EQ(all, "...xx.x.");
    session.user = "another";
    EXPECT_FALSE(*limiters.over("account", session, start));
    EXPECT_FALSE(limiters.over("unknown", session, start));
}

}  // namespace
}  // namespace smtpspec::script
