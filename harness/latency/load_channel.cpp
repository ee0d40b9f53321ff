#include "harness/latency/load_channel.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>

#include <cerrno>
#include <system_error>

namespace smtpspec::latency {

namespace asio = boost::asio;
using asio::ip::tcp;
using Step = wire::TlsEngine::Step;

namespace {

constexpr std::size_t most_plaintext = 1024 * 1024;  // unread; a server that sends more is hostile

std::string words(const boost::system::error_code& error) {
    if (error == asio::error::connection_reset)
        return "the connection was reset";
    if (error == asio::error::connection_refused)
        return "the connection was refused";
    return error.message();
}

}  // namespace

LoadChannel::LoadChannel(asio::io_context& loop, Owner& owner) : socket_(loop), owner_(owner) {}

void LoadChannel::connect(const tcp::endpoint& to) {
    close();
    boost::system::error_code error;
    socket_.open(to.protocol(), error);
    if (!error)
        socket_.set_option(tcp::no_delay(true), error);
    if (error) {
        // Not at once: an owner that tries again in ended() would never come back from here.
        asio::post(socket_.get_executor(), [this, life = life_, why = "no socket: " + error.message()] {
            if (life == life_)
                fail(why);
        });
        return;
    }
    socket_.async_connect(to, [this, life = life_](const boost::system::error_code& problem) {
        if (life != life_)
            return;
        if (problem) {
            fail(words(problem));
            return;
        }
        owner_.connected();
        if (life == life_)
            listen();
    });
}

void LoadChannel::listen() {
    socket_.async_receive(asio::buffer(buffer_),
                          [this, life = life_](const boost::system::error_code& error, std::size_t octets) {
                              if (life != life_)
                                  return;
                              if (error) {
                                  fail(error == asio::error::eof ? "" : words(error));
                                  return;
                              }
                              take(octets);
                              if (life == life_)
                                  listen();
                          });
}

void LoadChannel::take(std::size_t octets) {
    const std::string_view received(buffer_.data(), octets);
    if (tls_) {
        take_records(received);
        return;
    }
    if (input_.size() - consumed_ + octets > most_plaintext) {
        fail("more than 1 MiB came that nobody asked for");
        return;
    }
    input_ += received;
    owner_.received();
}

void LoadChannel::take_records(std::string_view octets) {
    const std::uint64_t life = life_;
    tls_->feed(octets);
    if (handshaking_) {
        step_handshake();
        if (life != life_ || handshaking_)
            return;
    }
    const std::size_t before = input_.size();
    const Step step = tls_->read(input_, consumed_ + most_plaintext);
    if (input_.size() > before)
        owner_.received();
    if (life != life_ || !tls_)
        return;
    if (step == Step::ended)
        fail("");
    else if (step == Step::failed || input_.size() - consumed_ >= most_plaintext)
        fail(step == Step::failed ? "TLS: " + tls_->error() : "more than 1 MiB came that nobody asked for");
}

void LoadChannel::start_tls(const wire::TlsClientSettings& settings) {
    if (!input().empty()) {
        fail("octets came in clear behind the reply to STARTTLS");
        return;
    }
    auto made = wire::TlsEngine::client(settings);
    if (!made) {
        fail("TLS: " + made.error());
        return;
    }
    tls_ = std::move(*made);
    handshaking_ = true;
    step_handshake();
}

void LoadChannel::step_handshake() {
    const std::uint64_t life = life_;
    const Step step = tls_->handshake();
    const std::string output = tls_->take_output();
    if (!output.empty())
        write(output);
    if (life != life_)
        return;
    if (step == Step::done) {
        handshaking_ = false;
        owner_.secured();
    } else if (step != Step::want_input) {
        fail("TLS handshake failed: " + tls_->error());
    }
}

bool LoadChannel::send(std::string_view octets) {
    if (!tls_)
        return write(octets);
    if (!tls_->write(octets)) {
        fail("TLS: " + tls_->error());
        return true;
    }
    return write(tls_->take_output());
}

bool LoadChannel::write(std::string_view octets) {
    if (!waiting_.empty()) {
        waiting_ += octets;
        return false;
    }
    while (!octets.empty()) {
        const ssize_t count = ::send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            octets.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            waiting_ = octets;
            wait_until_writable();
            return false;
        }
        return true;  // reading tells what became of the connection, and keeps what the server said before
    }
    return true;
}

void LoadChannel::wait_until_writable() {
    socket_.async_wait(tcp::socket::wait_write, [this, life = life_](const boost::system::error_code& error) {
        if (life != life_ || error)
            return;
        const std::string rest = std::exchange(waiting_, {});
        if (write(rest))
            owner_.drained();
    });
}

void LoadChannel::consume(std::size_t octets) {
    consumed_ += octets;
    if (consumed_ >= input_.size()) {
        input_.clear();
        consumed_ = 0;
    }
}

void LoadChannel::close() {
    ++life_;
    boost::system::error_code ignored;
    socket_.close(ignored);
    tls_.reset();
    handshaking_ = false;
    input_.clear();
    consumed_ = 0;
    waiting_.clear();
}

void LoadChannel::fail(const std::string& why) {
    close();
    owner_.ended(why);
}

}  // namespace smtpspec::latency
