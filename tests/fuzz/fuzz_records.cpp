// TLS records and the ClientHello, as a peer sends them before anything is trusted: no octet is lost, lengths
// hold, and the split of the input cannot be told.
#include <string>
#include <vector>

#include "fuzz_support.hpp"
#include "protocol/wire/tls_records.hpp"

namespace {

using namespace smtpspec::wire;
using smtpspec::fuzz::require;

struct Read {
    std::vector<std::string> records;
    std::string rest;
    bool not_tls = false;
};

Read records_of(std::string_view stream, size_t piece) {
    Read read;
    RecordBuffer buffer;
    while (!stream.empty() && !read.not_tls) {
        const std::string_view part = stream.substr(0, piece);
        buffer.append(part);
        stream.remove_prefix(part.size());
        std::string_view record;
        RecordBuffer::Next next;
        while ((next = buffer.next(record)) == RecordBuffer::Next::record) {
            require(record.size() >= 5);
            read.records.emplace_back(record);
        }
        read.not_tls = next == RecordBuffer::Next::not_tls;
    }
    read.rest = buffer.take_all() + std::string(stream);
    return read;
}

void check_hello(std::string_view stream) {
    const HelloProgress whole = parse_client_hello(stream);
    if (whole.state == HelloProgress::State::complete) {
        require(whole.octets <= stream.size());
        const HelloProgress exact = parse_client_hello(stream.substr(0, whole.octets));
        require(exact.state == HelloProgress::State::complete &&
                exact.hello.server_name == whole.hello.server_name);
        require(parse_client_hello(stream.substr(0, whole.octets - 1)).state !=
                HelloProgress::State::complete);
    } else if (whole.state == HelloProgress::State::incomplete) {
        require(whole.octets > stream.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    std::string_view stream = smtpspec::fuzz::text_of(data, size);
    const size_t piece = 1 + smtpspec::fuzz::take_octet(stream);
    const Read whole = records_of(stream, stream.size() + 1);
    const Read pieces = records_of(stream, piece);
    require(whole.records == pieces.records && whole.rest == pieces.rest && whole.not_tls == pieces.not_tls);
    std::string joined;
    for (const std::string& record : whole.records) {
        joined += record;
    }
    require(joined + whole.rest == stream);
    const size_t start = find_record_start(stream);
    require(start == std::string_view::npos || start < stream.size());
    check_hello(stream);
    return 0;
}
