// What is read as a histogram can be written and read again, and is the same.
#include "fuzz_support.hpp"
#include "harness/latency/histogram.hpp"
#include "protocol/smtp/base64.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, size_t size) {
    using namespace smtpspec;
    const std::string_view text = fuzz::text_of(data, size);
    for (const std::string& form : {std::string(text), smtp::base64_encode(text)}) {
        const auto read = latency::Histogram::decode(form);
        if (!read)
            continue;
        const auto again = latency::Histogram::decode(read->encode());
        fuzz::require(again && again->counts() == read->counts());
    }
    return 0;
}
