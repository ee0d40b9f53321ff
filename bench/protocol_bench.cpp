#include <benchmark/benchmark.h>

#include <string>

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

void decode_data(benchmark::State& state) {
    std::string message;
    while (message.size() < static_cast<std::size_t>(state.range(0))) {
        message += "A line of text, as long as mail programs like to make them, seventy octets.\r\n";
    }
    const std::string wire = smtp::encode_data(message);
    for (auto _ : state) {
        smtp::DataDecoder decoder;
        benchmark::DoNotOptimize(decoder.feed(wire));
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * wire.size()));
}
BENCHMARK(decode_data)->Arg(512)->Arg(10240)->Arg(1 << 20);

}  // namespace
