#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <fstream>
#include <functional>
#include <thread>

#include "harness/run/runner.hpp"
#include "harness/run/server_environment.hpp"
#include "mockserver/server.hpp"
#include "protocol/wire/loop.hpp"

namespace smtpspec::run {
namespace {

/// A server with a thread of its own, as a foreign endpoint has it, on one STARTTLS port; and what it logged.
class ForeignServer {
  public:
    explicit ForeignServer(mock::ServerConfig config)
        : pki_(std::make_shared<const wire::TestPki>(std::vector<std::string>{"mail.test", "127.0.0.1"})),
          server_(loop_.get_executor(), std::move(config), pki_) {
        server_.set_log([this](std::string_view line) { log_.emplace_back(line); });
        const auto up = server_.start();
        EXPECT_TRUE(up) << (up ? "" : up.error());
        port = server_.ports().at(0).actual;
        thread_ = std::thread([this] {
            const auto work = boost::asio::make_work_guard(loop_);
            loop_.run();
        });
    }
    ~ForeignServer() { (void)log(); }
    ForeignServer(const ForeignServer&) = delete;
    ForeignServer& operator=(const ForeignServer&) = delete;

    /// Ends the server; its log.
    const std::vector<std::string>& log() {
        if (thread_.joinable()) {
            loop_.stop();
            thread_.join();
            wire::run_blocking(loop_, server_.stop());
        }
        return log_;
    }
    int logged(std::string_view text) {
        const auto& lines = log();
        return static_cast<int>(std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        }));
    }

    std::string ca_pem() const { return pki_->ca_pem(); }

    std::uint16_t port = 0;

  private:
    boost::asio::io_context loop_{1};
    std::shared_ptr<const wire::TestPki> pki_;
    mock::Server server_;
    std::vector<std::string> log_;
    std::thread thread_;
};

/// A file of its own with the password; the next test run writes it anew.
std::string password_file(const std::string& password) {
    const std::string path =
        testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + ".password";
    std::ofstream(path) << password << "\n";
    return path;
}

Profile profile_with(const std::string& password) {
    Profile profile;
    profile.name = "foreign";
    profile.host = "127.0.0.1";
    profile.server_name = "mail.test";
    profile.ports = {{587, script::Mode::Starttls}};
    profile.user = "alice";
    profile.password_file = password_file(password);
    profile.from = "alice@mail.test";
    profile.to = "bob@mail.test";
    return profile;
}

mock::ServerConfig with_account() {
    mock::ServerConfig config;
    config.accounts = {{"alice", "right password", ""}};
    return config;
}

using Adjust = std::function<void(RunContext&)>;

Result run_against(const ForeignServer& server,
                   const Profile& profile,
                   std::vector<std::string> filters,
                   const Adjust& adjust = nullptr,
                   RunOptions options = {}) {
    auto catalog = Catalog::load("");
    options.only = std::move(filters);
    options.connect_to = {{"127.0.0.1", 587, "127.0.0.1", server.port}};
    auto context = foreign_context(profile, options);
    if (!catalog || !context) {
        ADD_FAILURE() << (catalog ? context.error().message : catalog.error());
        return {};
    }
    (*context)->client_tls = *wire::client_context("", server.ca_pem());
    if (adjust) {
        adjust(**context);
    }
    return execute(**context, *catalog, plan_run(**context, *catalog), {}, {});
}

/// As if the server were another machine, where the manners of design.md §8 hold; fast, for it is not.
void elsewhere(RunContext& context) {
    context.local = false;
    context.surroundings = Surroundings::remote;
    context.profile.messages_per_second = 100;
    context.profile.quiet = std::chrono::milliseconds(50);
}

TEST(ForeignRun, ARefusedLoginIsTriedOnceAndNothingIsCalledAFailure) {
    ForeignServer server(with_account());
    const Result result = run_against(server, profile_with("wrong password"), {"data.eod.*"});
    int refused = 0;
    for (const Cell& cell : result.cells) {
        EXPECT_FALSE(is_red(cell.verdict)) << cell.name() << ": " << cell.reason;
        if (cell.error_kind == "login-refused") {
            ++refused;
            EXPECT_EQ(cell.verdict, Verdict::Inconclusive);
            EXPECT_NE(cell.reason.find("535"), std::string::npos) << cell.reason;
        }
    }
    EXPECT_GT(refused, 5);
    EXPECT_EQ(exit_code(result, 0), 5);
    EXPECT_EQ(server.logged("S: 535 5.7.8"), 1);
}

TEST(ForeignRun, ARightLoginLeavesNoCellUnjudged) {
    ForeignServer server(with_account());
    const Result result = run_against(server, profile_with("right password"), {"data.eod.*"});
    EXPECT_GT(result.cells.size(), 5U);
    for (const Cell& cell : result.cells) {
        EXPECT_NE(cell.verdict, Verdict::Inconclusive) << cell.name() << ": " << cell.reason;
        EXPECT_NE(cell.verdict, Verdict::Error) << cell.name() << ": " << cell.reason;
    }
}

TEST(ForeignRun, AFindingStandsWhenThePeerIsSaneAfterIt) {
    mock::ServerConfig config = with_account();
    config.defects.add(mock::Defect::starttls_readvertised);
    ForeignServer server(std::move(config));
    const Result result =
        run_against(server, profile_with("right password"), {"starttls.state.not-readvertised"});
    ASSERT_EQ(result.cells.size(), 1U);
    EXPECT_EQ(result.cells[0].verdict, Verdict::Fail) << result.cells[0].reason;
}

TEST(ForeignRun, AFindingOfAPeerThatIsNotSaneAfterItIsNone) {
    mock::ServerConfig config = with_account();
    config.defects.add(mock::Defect::starttls_readvertised);
    mock::LimiterSpec two_connections;  // the probe's and the cell's; who looks again is turned away
    two_connections.name = "two";
    two_connections.stage = mock::LimiterStage::connect;
    two_connections.per = script::LimiterScope::All;
    two_connections.burst = 2;
    two_connections.reply = "421 4.3.2 Shutting down";
    config.limiters = {two_connections};
    ForeignServer server(std::move(config));
    const Result result =
        run_against(server, profile_with("right password"), {"starttls.state.not-readvertised"});
    ASSERT_EQ(result.cells.size(), 1U);
    EXPECT_EQ(result.cells[0].verdict, Verdict::Inconclusive);
    EXPECT_NE(result.cells[0].reason.find("not sane after it"), std::string::npos) << result.cells[0].reason;
}

int count(const Result& result, Verdict verdict) {
    return static_cast<int>(std::count_if(
        result.cells.begin(), result.cells.end(), [&](const Cell& cell) { return cell.verdict == verdict; }));
}

const Cell* cell_of(const Result& result, const std::string& scenario) {
    const auto found = std::find_if(result.cells.begin(), result.cells.end(), [&](const Cell& cell) {
        return cell.scenario == scenario;
    });
    return found == result.cells.end() ? nullptr : &*found;
}

TEST(ForeignRun, WhereTlsNeverBeginsNoInjectionIsCalledHarmless) {
    mock::ServerConfig config = with_account();
    config.defects.add(mock::Defect::starttls_handshake_fails);
    ForeignServer server(std::move(config));
    const Result result =
        run_against(server, profile_with("right password"), {"starttls.inject.*", "starttls.state.*"});
    for (const Cell& cell : result.cells) {
        EXPECT_NE(cell.verdict, Verdict::Pass) << cell.name() << " " << cell.outcome;
    }
    const Cell* const broken = cell_of(result, "endpoint.mode");
    ASSERT_NE(broken, nullptr);
    EXPECT_EQ(broken->outcome, "starttls-broken");
    EXPECT_EQ(exit_code(result, 0), 1);
}

TEST(ForeignRun, AServerThatDoesNotAnswerEhloIsNotJudged) {
    mock::ServerConfig config = with_account();
    mock::LimiterSpec none;
    none.name = "none";
    none.stage = mock::LimiterStage::ehlo;
    none.per = script::LimiterScope::All;
    none.burst = 0;
    none.reply = "421 4.3.2 busy";
    config.limiters = {none};
    ForeignServer server(std::move(config));
    const Result result = run_against(server, profile_with("right password"), {"starttls.*"});
    EXPECT_EQ(count(result, Verdict::Pass), 0);
    EXPECT_EQ(count(result, Verdict::Unsupported), 0) << "nobody knows what it offers";
    EXPECT_GT(count(result, Verdict::Inconclusive), 20);
    EXPECT_EQ(exit_code(result, 0), 4);
}

TEST(ForeignRun, ABareHostMadeNoPromise) {
    mock::ServerConfig config = with_account();
    config.extensions.starttls = false;
    ForeignServer server(std::move(config));
    Profile guess = profile_with("right password");
    guess.guessed = true;
    const Cell* cell = nullptr;
    const Result guessed = run_against(server, guess, {"starttls.cmd.*"});
    ASSERT_NE(cell = cell_of(guessed, "endpoint.mode"), nullptr);
    EXPECT_EQ(cell->verdict, Verdict::Warn);
}

TEST(ForeignRun, APasswordGoesToNoServerElsewhereThatHasNotProvedWhoItIs) {
    ForeignServer server(with_account());
    const Result result =
        run_against(server, profile_with("right password"), {"auth.state.*"}, [](RunContext& context) {
            elsewhere(context);
            context.client_tls = *wire::client_context("");
        });
    const Cell* const certificate = cell_of(result, "endpoint.certificate");
    ASSERT_NE(certificate, nullptr);
    EXPECT_EQ(certificate->verdict, Verdict::Warn);
    EXPECT_NE(certificate->reason.find("--ca FILE"), std::string::npos) << certificate->reason;
    EXPECT_GT(count(result, Verdict::Inconclusive), 0);
    EXPECT_EQ(server.logged("C: AUTH"), 0);
}

TEST(ForeignRun, WhatFailsBeforeAuthSaysNothingAboutThePassword) {
    mock::ServerConfig config = with_account();
    config.extensions.starttls = false;
    ForeignServer server(std::move(config));
    const Result result = run_against(server, profile_with("right password"), {"data.eod.*"});
    for (const Cell& cell : result.cells) {
        EXPECT_NE(cell.error_kind, "login-refused") << cell.name() << ": " << cell.reason;
    }
}

TEST(ForeignRun, APortForOtherServersNeedsNoAuth) {
    ForeignServer server(mock::ServerConfig{});  // without accounts
    Profile profile = profile_with("right password");
    profile.service = {{587, "mx"}};
    const Result result = run_against(server, profile, {"data.eod.split-segments*"});
    EXPECT_EQ(cell_of(result, "endpoint.mode"), nullptr);
    EXPECT_GT(count(result, Verdict::Pass), 0) << "nobody logs in where nobody can";
    profile.service.clear();
    ForeignServer again(mock::ServerConfig{});
    const Result submission = run_against(again, profile, {"data.eod.split-segments*"});
    ASSERT_NE(cell_of(submission, "endpoint.mode"), nullptr);
    EXPECT_EQ(cell_of(submission, "endpoint.mode")->outcome, "auth-missing");
}

TEST(ForeignRun, OurNameInEhloIsTheProfiles) {
    ForeignServer server(with_account());
    Profile profile = profile_with("right password");
    profile.ehlo = "client.sender.test";
    run_against(server, profile, {"starttls.state.not-readvertised"});
    EXPECT_EQ(server.logged("C: EHLO probe.example"), 0);
    EXPECT_GT(server.logged("C: EHLO client.sender.test"), 3);
}

TEST(ForeignRun, RetriesStayWithinTheBudgetOfWrongLogins) {
    mock::ServerConfig config = with_account();
    mock::LimiterSpec busy;
    busy.name = "busy";
    busy.stage = mock::LimiterStage::auth;
    busy.per = script::LimiterScope::All;
    busy.burst = 1;  // the profile's own login
    busy.reply = "454 4.7.0 Temporary authentication failure";
    config.limiters = {busy};
    ForeignServer server(std::move(config));
    RunOptions options;
    options.retries = 3;
    const Result result =
        run_against(server, profile_with("right password"), {"auth.fail.wrong-password"}, elsewhere, options);
    EXPECT_LE(server.logged("C: AUTH"), 2) << "the login that comes first, and one wrong one";
    EXPECT_FALSE(result.cells.empty());
}

TEST(ForeignRun, WhatAServerRepeatsOfAPasswordReachesNoReport) {
    mock::ServerConfig config = with_account();
    mock::LimiterSpec turned_away;
    turned_away.name = "away";
    turned_away.stage = mock::LimiterStage::connect;
    turned_away.per = script::LimiterScope::All;
    turned_away.burst = 0;
    turned_away.reply = "554 5.7.1 no longer: " + std::string(170, 'x') + "right-password-of-alice";
    config.limiters = {turned_away};
    ForeignServer server(std::move(config));
    const Result result =
        run_against(server, profile_with("right-password-of-alice"), {"starttls.state.not-readvertised"});
    ASSERT_EQ(result.cells.size(), 1U);
    EXPECT_NE(result.cells[0].reason.find("5.7.1 no longer"), std::string::npos) << result.cells[0].reason;
    EXPECT_EQ(result.cells[0].reason.find("right-pass"), std::string::npos) << result.cells[0].reason;
}

TEST(ForeignRun, APasswordThatWasNotSentSpendsNoWrongLogin) {
    ForeignServer server(with_account());
    const Result result = run_against(server,
                                      profile_with("right password"),
                                      {"auth.fail.wrong-password", "auth.state.second-auth-503"},
                                      [](RunContext& context) {
                                          elsewhere(context);
                                          context.client_tls = *wire::client_context("");
                                      });
    const Cell* const wrong = cell_of(result, "auth.fail.wrong-password");
    ASSERT_NE(wrong, nullptr);
    EXPECT_EQ(wrong->verdict, Verdict::Pass) << wrong->reason;
}

TEST(ForeignRun, ARecipientThatNobodyNamedIsNeverUsed) {
    mock::ServerConfig config = with_account();
    ForeignServer server(std::move(config));
    RunOptions options;
    options.slow = true;
    const Result result =
        run_against(server, profile_with("right password"), {"limits.rcpt.100"}, nullptr, options);
    EXPECT_EQ(count(result, Verdict::Pass), 1);
    EXPECT_GE(server.logged("C: RCPT TO:<bob@mail.test>"), 100);
    EXPECT_EQ(server.logged("bob+"), 0);
}

/// Sends in a cell against a server elsewhere that gets 20 messages per second.
class PacedSender {
  public:
    PacedSender() {
        context_.surroundings = Surroundings::remote;
        context_.profile.messages_per_second = 20;
        cell_.scenario = std::make_shared<const script::Scenario>();
        cell_.port = 587;
    }

    /// When these octets may be sent.
    wire::Clock::time_point send(const std::string& octets) {
        wire::run_blocking(loop_, environment_.before_send(octets));
        return wire::Clock::now();
    }

  private:
    RunContext context_;
    PlannedCell cell_;
    wire::Transcript transcript_;
    boost::asio::io_context loop_{1};
    ServerEnvironment environment_{context_, cell_, loop_.get_executor(), transcript_, {}, nullptr};
};

TEST(ForeignRun, APaceHoldsWhereMailComesOctetByOctet) {
    PacedSender sender;
    const auto begin = wire::Clock::now();
    for (const char c : std::string("MAIL FROM:<a@b.test>\r\nRSET\r\nMAIL FROM:<>\r\n")) {
        sender.send(std::string(1, c));
    }
    EXPECT_GE(wire::Clock::now() - begin, std::chrono::milliseconds(49));  // a lower bound, as above
}

TEST(ForeignRun, AMailboxThatCannotBeReadIsAMistakeOfTheProfile) {
    Profile profile = profile_with("right password");
    profile.mailbox = "/nonexistent/Maildir";
    const auto context = foreign_context(profile, RunOptions{});
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error().exit_code, 2);
    EXPECT_NE(context.error().message.find("/nonexistent"), std::string::npos) << context.error().message;
}

TEST(ForeignRun, APaceHoldsInsideACellToo) {
    PacedSender sender;
    const auto first = sender.send("MAIL FROM:<a@b.test>\r\n");
    sender.send("RCPT TO:<a@b.test>\r\n");
    // A lower bound: a pace is never kept by being late.
    EXPECT_GE(sender.send("RSET\r\nmail from:<>\r\nRCPT TO:<a@b.test>\r\n") - first,
              std::chrono::milliseconds(49));
}

TEST(ForeignRun, TimesOfASlowScenarioPassInLapseOnlyBetweenOurOwnPeers) {
    const auto catalog = Catalog::load("");
    ASSERT_TRUE(catalog);
    for (const auto& scenario : catalog->scenarios()) {
        PlannedCell cell;
        cell.scenario = scenario;
        RunContext embedded, foreign;
        foreign.surroundings = Surroundings::loopback;
        const bool ours = scenario->head.side == script::Side::Client;
        EXPECT_EQ(time_lapse(embedded, cell) > 1.0, scenario->slow()) << scenario->id();
        EXPECT_EQ(time_lapse(foreign, cell) > 1.0, scenario->slow() && ours) << scenario->id();
    }
}

}  // namespace
}  // namespace smtpspec::run
