#include <benchmark/benchmark.h>

#include <string>

#include "protocol/smtp/base64.hpp"
#include "protocol/smtp/capabilities.hpp"
#include "protocol/smtp/command.hpp"
#include "protocol/smtp/data.hpp"
#include "protocol/smtp/reply.hpp"

namespace {

using namespace smtpspec;

void parse_ehlo_reply(benchmark::State& state) {
    const std::string octets =
        "250-mail.test\r\n250-PIPELINING\r\n250-SIZE 26214400\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n";
    for (auto _ : state) {
        smtp::ReplyParser parser;
        benchmark::DoNotOptimize(parser.feed(octets));
        benchmark::DoNotOptimize(parser.take());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets.size()));
}
BENCHMARK(parse_ehlo_reply);

void parse_mail_command(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            smtp::parse_mail_argument("FROM:<sender@example.test> SIZE=1024 BODY=8BITMIME"));
    }
}
BENCHMARK(parse_mail_command);

void parse_reply(benchmark::State& state) {
    constexpr std::string_view octets = "250 2.0.0 Ok: queued as 4XyZ12abcd\r\n";
    smtp::ReplyParser parser;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parser.feed(octets));
        benchmark::DoNotOptimize(parser.take());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets.size()));
}
BENCHMARK(parse_reply);

void read_capabilities(benchmark::State& state) {
    smtp::ReplyParser parser;
    parser.feed(
        "250-mail.test\r\n250-PIPELINING\r\n250-SIZE 26214400\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n");
    const smtp::Reply reply = parser.take();
    for (auto _ : state) {
        benchmark::DoNotOptimize(smtp::Capabilities::from_reply(reply));
    }
}
BENCHMARK(read_capabilities);

void parse_command_line(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(smtp::parse_command("RCPT TO:<bert@mail.test> NOTIFY=NEVER"));
    }
}
BENCHMARK(parse_command_line);

/// Lines of 78 octets with a full stop here and there, none at the start of a line.
std::string text_of(std::int64_t octets) {
    std::string message;
    while (message.size() < static_cast<std::size_t>(octets)) {
        message += "A line of text, as long as mail programs like to make them. Seventy octets, say.\r\n";
    }
    return message;
}

template <class Work>
void measure_octets(benchmark::State& state, const std::string& octets, Work work) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(work(octets));
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * octets.size()));
}

void stuff_dots(benchmark::State& state) { measure_octets(state, text_of(state.range(0)), smtp::dot_stuff); }
BENCHMARK(stuff_dots)->Arg(512)->Arg(10240)->Arg(1 << 20);

void unstuff_dots(benchmark::State& state) {
    measure_octets(state, text_of(state.range(0)), smtp::dot_unstuff);
}
BENCHMARK(unstuff_dots)->Arg(512)->Arg(10240)->Arg(1 << 20);

void stuff_a_dot_in_each_line(benchmark::State& state) {
    std::string message;
    while (message.size() < 10240) {
        message += ".A line of text, as long as mail programs like to make them, seventy octets.\r\n";
    }
    measure_octets(state, message, smtp::dot_stuff);
}
BENCHMARK(stuff_a_dot_in_each_line);

void decode_data(benchmark::State& state) {
    measure_octets(state, smtp::encode_data(text_of(state.range(0))), [](const std::string& wire) {
        smtp::DataDecoder decoder;
        decoder.feed(wire);
        return decoder.take();
    });
}
BENCHMARK(decode_data)->Arg(512)->Arg(10240)->Arg(1 << 20);

void encode_base64(benchmark::State& state) { measure_octets(state, text_of(10240), smtp::base64_encode); }
BENCHMARK(encode_base64);

void decode_base64(benchmark::State& state) {
    measure_octets(state, smtp::base64_encode(text_of(10240)), smtp::base64_decode);
}
BENCHMARK(decode_base64);

}  // namespace
