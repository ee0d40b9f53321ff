#pragma once

#include "tests/unit/wire/pair.hpp"

namespace smtpspec::wire::test {

using Leftover = Connection::Leftover;

/// Two ends that can shake hands; what came of it.
struct Starttls : Wired {
    IoResult<TlsInfo> client_result = tl::unexpected(IoError());
    IoResult<TlsInfo> server_result = tl::unexpected(IoError());
    TlsClientSettings settings = client_settings();
    Connection::ChooseTls choose = certificate(CertificateKind::good);
    Leftover leftover = Leftover::discard;

    Awaitable<void> client_starts() { client_result = co_await client->start_tls_client(settings, soon()); }
    Awaitable<void> server_starts() {
        server_result = co_await server->start_tls_server(choose, leftover, soon());
    }
    void handshake() { run_both(loop, client_starts(), server_starts()); }
    void secure() {
        connect();
        handshake();
        ASSERT_TRUE(client_result) << client_result.error().what;
        ASSERT_TRUE(server_result) << server_result.error().what;
    }
};

}  // namespace smtpspec::wire::test
