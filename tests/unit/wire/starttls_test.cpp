#include <gmock/gmock.h>

#include "tests/unit/wire/starttls.hpp"

namespace smtpspec::wire::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Starttls, AConversationBecomesTlsInMidStream) {
    connect();
    auto client_side = [&]() -> Awaitable<void> {
        auto greeting = co_await read_to(*client, "\r\n");
        EXPECT_EQ(greeting, "220 mail.smtp.test\r\n");
        co_await say(*client, "STARTTLS\r\n");
        auto go = co_await read_to(*client, "\r\n");
        EXPECT_EQ(go, "220 go\r\n");
        co_await client_starts();
        co_await say(*client, "NOOP\r\n");
        auto reply = co_await read_to(*client, "\r\n");
        EXPECT_EQ(reply, "250 ok\r\n");
        co_await client->close(soon());
    };
    auto server_side = [&]() -> Awaitable<void> {
        co_await say(*server, "220 mail.smtp.test\r\n");
        co_await read_to(*server, "\r\n");
        co_await say(*server, "220 go\r\n");
        co_await server_starts();
        auto command = co_await read_to(*server, "\r\n");
        EXPECT_EQ(command, "NOOP\r\n");
        co_await say(*server, "250 ok\r\n");
        auto event = co_await server->receive(soon());
        EXPECT_EQ(event, ReadEvent::end);
        co_await server->close(soon());
    };
    run_both(loop, client_side(), server_side());
    ASSERT_TRUE(client_result) << client_result.error().what;
    EXPECT_EQ(client_result->version, "TLSv1.3");
    EXPECT_TRUE(client_result->trusted);
    EXPECT_TRUE(client_result->matches);
    EXPECT_EQ(client_result->problem, "");
    EXPECT_THAT(client_result->peer_names, ElementsAre("mail.smtp.test", "127.0.0.1"));
    EXPECT_EQ(client_result->bits, 256);
    EXPECT_GE(client_result->days, 89);
    EXPECT_EQ(client_result->peer_spki_sha256, pki().spki_sha256(CertificateKind::good));
    EXPECT_EQ(server_result->sni, "mail.smtp.test");
    EXPECT_EQ(server->peer_end(), PeerEnd::notify);
    EXPECT_EQ(client->peer_end(), PeerEnd::notify);
    std::string kinds;
    for (const auto& entry : client_log.entries())
        kinds += std::to_string(static_cast<int>(entry.kind)) + (entry.inside_tls ? "t" : "c");
    EXPECT_EQ(kinds, "4c1c0c1c2t0t1t3t3t3t") << "note recv sent recv TLS sent recv closed notify fin";
}

TEST_F(Starttls, ATimeOutInsideTlsLeavesTheStreamAsItWas) {
    secure();
    EXPECT_EQ(receive(*client, 20ms), ReadEvent::timeout) << "session tickets are no octets";
    ASSERT_TRUE(send(*server, "220 late\r\n"));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
    EXPECT_EQ(client->input(), "220 late\r\n");
}

TEST_F(Starttls, EachSendIsOneRecord) {
    secure();
    ASSERT_TRUE(send(*client, "A"));
    ASSERT_TRUE(send(*client, "B\r\n"));
    auto both = [&]() -> Awaitable<std::string> { return read_to(*server, "B\r\n"); };
    EXPECT_EQ(run(both()), "AB\r\n");
    EXPECT_THAT(octets_of(server_log, EntryKind::received), ElementsAre("A", "B\r\n"));
}

TEST_F(Starttls, MegabytesArriveWholeInsideTls) {
    secure();
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i)
        text += "line " + std::to_string(i) + "\r\n";
    text += ".\r\n";
    std::string got;
    auto writer = [&]() -> Awaitable<void> { co_await say(*client, text); };
    auto reader = [&]() -> Awaitable<void> { got = co_await read_to(*server, "\r\n.\r\n"); };
    run_both(loop, writer(), reader());
    EXPECT_TRUE(got == text);
}

TEST_F(Starttls, AClientThatMeetsPlainTextNamesIt) {
    connect();
    auto server_side = [&]() -> Awaitable<void> { co_await say(*server, "220 mail.test ESMTP\r\n"); };
    run_both(loop, client_starts(), server_side());
    ASSERT_FALSE(client_result);
    EXPECT_THAT(client_result.error().what,
                HasSubstr("does not speak TLS here, it sent \"220 mail.test ESMTP"));
    EXPECT_EQ(client->raw_tail(), "220 mail.test ESMTP\r\n");
    auto sent = send(*client, "NOOP\r\n");
    ASSERT_FALSE(sent) << "nothing goes out in clear after a handshake that failed";
    EXPECT_EQ(sent.error().kind, IoError::Kind::tls);
}

TEST_F(Starttls, AHandshakeEndsAtItsDeadline) {
    connect();
    auto start = [&]() -> Awaitable<void> {
        client_result = co_await client->start_tls_client(settings, within(20ms));
    };
    run(start());
    ASSERT_FALSE(client_result);
    EXPECT_EQ(client_result.error().kind, IoError::Kind::timeout);
    EXPECT_EQ(client_result.error().what,
              "TLS handshake with " + to_string(client->remote()) + ": not complete until the deadline");
}

TEST_F(Starttls, AHandshakeCutOffByFinAndByResetSaysWhich) {
    for (bool reset : {false, true}) {
        connect();
        auto cut = [&]() -> Awaitable<void> {
            co_await server->receive(soon());
            if (reset)
                server->drop_rst();
            else
                server->drop_fin();
        };
        run_both(loop, client_starts(), cut());
        ASSERT_FALSE(client_result);
        EXPECT_EQ(client_result.error().kind, reset ? IoError::Kind::reset : IoError::Kind::closed);
        EXPECT_EQ(client->peer_end(), reset ? PeerEnd::rst : PeerEnd::fin);
    }
}

TEST_F(Starttls, NotifyFinAndResetAreToldApartInsideTls) {
    secure();
    auto closer = [&]() -> Awaitable<void> { co_await server->close(soon()); };
    auto reader = [&]() -> Awaitable<void> {
        auto event = co_await client->receive(soon());
        EXPECT_EQ(event, ReadEvent::end);
        co_await client->close(soon());
    };
    run_both(loop, closer(), reader());
    EXPECT_EQ(client->peer_end(), PeerEnd::notify);

    secure();
    server->drop_fin();
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);

    secure();
    server->drop_rst();
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::rst);
}

TEST_F(Starttls, OctetsBeforeACloseNotifyAreReadFirst) {
    secure();
    auto closer = [&]() -> Awaitable<void> {
        co_await say(*server, "221 bye\r\n");
        co_await server->close(within(50ms));
    };
    run(closer());
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
    EXPECT_EQ(client->input(), "221 bye\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::notify);
}

/// The server's raw socket stays in the test's hands beside the TLS connection that uses it.
struct RawBeside : Starttls {
    std::optional<tcp::socket> raw;
    void secure_with_raw() {
        auto accepted = connect_client();
        raw.emplace(loop, tcp::v4(), ::dup(accepted.native_handle()));
        server = std::make_unique<Connection>(std::move(accepted), server_log, server_options);
        handshake();
        ASSERT_TRUE(client_result) << client_result.error().what;
    }
    void write_raw(std::string octets) { boost::asio::write(*raw, boost::asio::buffer(octets)); }
};

TEST_F(RawBeside, APlaintextReplyInsideTlsIsBrokenAndKept) {
    secure_with_raw();
    write_raw("421 4.7.0 too many errors\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::broken);
    EXPECT_EQ(client->raw_tail(), "421 4.7.0 too many errors\r\n");
    EXPECT_EQ(client->tls_error(), "what came is no TLS record");
    EXPECT_EQ(client->input(), "");
    write_raw("more\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::broken);
    EXPECT_EQ(client->raw_tail(), "421 4.7.0 too many errors\r\nmore\r\n");
    raw->shutdown(tcp::socket::shutdown_send);
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
}

TEST_F(RawBeside, AReplyInsideTlsBeforeThePlaintextIsReadFirst) {
    secure_with_raw();
    ASSERT_TRUE(send(*server, "250 ok\r\n"));
    write_raw("421 bye\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::octets);
    EXPECT_EQ(client->input(), "250 ok\r\n");
    EXPECT_EQ(receive(*client, 5s), ReadEvent::broken);
    EXPECT_EQ(client->raw_tail(), "421 bye\r\n");
}

TEST_F(RawBeside, ARecordThatWasTamperedWithIsBroken) {
    secure_with_raw();
    write_raw(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::broken);
    EXPECT_EQ(client->tls_error(), "decryption failed or bad record mac");
}

TEST_F(RawBeside, HalfARecordIsSilence) {
    secure_with_raw();
    write_raw(std::string("\x17\x03\x03\x00\x20", 5) + "half");
    EXPECT_EQ(receive(*client, 20ms), ReadEvent::timeout);
    EXPECT_TRUE(client->is_open());
}

TEST_F(Starttls, AnAlertInPlaceOfAServerHello) {
    choose = [](const ClientHello&) -> tl::expected<TlsServerSettings, std::string> {
        return tl::unexpected(std::string("alert handshake_failure"));
    };
    connect();
    handshake();
    ASSERT_FALSE(server_result);
    EXPECT_THAT(server_result.error().what, HasSubstr("refused by us: alert handshake_failure"));
    EXPECT_TRUE(server->closed_by_us());
    ASSERT_FALSE(client_result);
    EXPECT_EQ(client_result.error().kind, IoError::Kind::tls);
    EXPECT_THAT(client_result.error().what, HasSubstr("alert handshake failure"));
    EXPECT_EQ(receive(*client, 5s), ReadEvent::end);
    EXPECT_EQ(client->peer_end(), PeerEnd::fin);
}

TEST_F(Starttls, TheServerChoosesWhenItKnowsTheClientHello) {
    ClientHello seen;
    auto inner = choose;
    choose = [&](const ClientHello& hello) {
        seen = hello;
        return inner(hello);
    };
    settings.alpn = "smtp,h2";
    secure();
    EXPECT_EQ(seen.server_name, "mail.smtp.test");
    EXPECT_THAT(seen.alpn, ElementsAre("smtp", "h2"));
    EXPECT_THAT(seen.versions, ElementsAre(0x0304, 0x0303));
    EXPECT_THAT(seen.cipher_suites, Contains(0x1301));
    EXPECT_EQ(server->raw_client_hello(), client->raw_client_hello());
    EXPECT_EQ(client_result->alpn, "") << "the server has no list";
}

TEST_F(Starttls, AlpnIsAgreedOrRefused) {
    choose = [](const ClientHello&) -> tl::expected<TlsServerSettings, std::string> {
        TlsServerSettings server_settings;
        server_settings.context = pki().server_context(CertificateKind::good);
        server_settings.alpn = "smtp";
        return server_settings;
    };
    settings.alpn = "h2,smtp";
    secure();
    EXPECT_EQ(client_result->alpn, "smtp");
    EXPECT_EQ(server_result->alpn, "smtp");
    settings.alpn = "h2";
    connect();
    handshake();
    ASSERT_FALSE(client_result);
    EXPECT_THAT(client_result.error().what, HasSubstr("no application protocol"));
}

struct Versions : Starttls, ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(EachVersion, Versions, ::testing::Values("1.0", "1.1", "1.2", "1.3"));

TEST_P(Versions, AreSpokenWhenAskedFor) {
    settings.minimum = settings.maximum = GetParam();
    choose = [](const ClientHello&) -> tl::expected<TlsServerSettings, std::string> {
        TlsServerSettings server_settings;
        server_settings.context = pki().server_context(CertificateKind::good);
        server_settings.minimum = "1.0";
        return server_settings;
    };
    secure();
    EXPECT_EQ(client_result->version,
              GetParam() == std::string("1.0") ? "TLSv1" : std::string("TLSv") + GetParam());
    ASSERT_TRUE(send(*client, "NOOP\r\n"));
    EXPECT_EQ(receive(*server, 5s), ReadEvent::octets);
    EXPECT_EQ(server->input(), "NOOP\r\n");
    EXPECT_EQ(client->channel_binding().size(), 32u);
    EXPECT_EQ(client->channel_binding(), server->channel_binding());
}

TEST_F(Starttls, AVersionBelowTheServersMinimumIsRefusedWithTheAlertsName) {
    settings.maximum = "1.1";
    connect();
    handshake();
    ASSERT_FALSE(client_result);
    EXPECT_THAT(client_result.error().what, HasSubstr("alert protocol version"));
    EXPECT_FALSE(server_result);
}

TEST_F(Starttls, SettingsThatMakeNoSenseAreOurError) {
    struct Case {
        const char *minimum, *maximum, *ciphers, *words;
    };
    for (auto [minimum, maximum, ciphers, words] : {Case{"1.4", "", "", "TLS version \"1.4\""},
                                                    Case{"1.3", "1.2", "", "above the maximum"},
                                                    Case{"", "", "NONSENSE", "ciphers \"NONSENSE\""}}) {
        settings.minimum = minimum;
        settings.maximum = maximum;
        settings.ciphers = ciphers;
        connect();
        auto start = [&]() -> Awaitable<void> { co_await client_starts(); };
        run(start());
        ASSERT_FALSE(client_result);
        EXPECT_EQ(client_result.error().kind, IoError::Kind::other);
        EXPECT_THAT(client_result.error().what, HasSubstr(words));
        EXPECT_TRUE(client->is_open()) << "nothing was sent, the connection is still in clear";
    }
}

TEST_F(Starttls, ASessionIsResumed) {
    secure();
    EXPECT_EQ(receive(*client, 20ms), ReadEvent::timeout);  // reads the tickets
    std::shared_ptr<SSL_SESSION> session(client->tls_session(), SSL_SESSION_free);
    ASSERT_TRUE(session);
    EXPECT_FALSE(client_result->resumed);
    settings.resume = session.get();
    secure();
    EXPECT_TRUE(client_result->resumed);
    EXPECT_TRUE(server_result->resumed);
    EXPECT_TRUE(client_result->trusted);
    EXPECT_TRUE(client_result->matches);
}

TEST_F(Starttls, NoServerNameIsSentWhenToldSoOrForAnAddress) {
    settings.send_sni = false;
    secure();
    EXPECT_EQ(server_result->sni, "");
    EXPECT_TRUE(client_result->matches);
    settings.send_sni = true;
    settings.server_name = "127.0.0.1";
    settings.verify_host = true;
    secure();
    EXPECT_EQ(server_result->sni, "");
    EXPECT_TRUE(client_result->matches);
}

TEST_F(Starttls, InClearThereIsNoBindingAndNoSession) {
    connect();
    EXPECT_EQ(client->channel_binding(), "");
    EXPECT_EQ(client->tls_session(), nullptr);
    EXPECT_FALSE(client->inside_tls());
}

TEST_F(Starttls, AnAlertInClearIsTheLastThingSent) {
    connect();
    auto alert = [&]() -> Awaitable<void> { co_await client->send_alert("unknown_ca", soon()); };
    run(alert());
    EXPECT_EQ(receive(*server, 5s), ReadEvent::octets);
    EXPECT_EQ(server->input(), std::string("\x15\x03\x03\x00\x02\x02\x30", 7));
    EXPECT_EQ(receive(*server, 5s), ReadEvent::end);
    EXPECT_EQ(server->peer_end(), PeerEnd::fin);
}

}  // namespace
}  // namespace smtpspec::wire::test
