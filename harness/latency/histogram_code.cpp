#include <zlib.h>

#include <array>
#include <bit>
#include <optional>

#include "harness/latency/histogram.hpp"
#include "protocol/smtp/base64.hpp"

/// The V2 form of the HdrHistogram libraries: a header of big-endian words, then the counts as ZigZag LEB128,
/// a run of empty buckets as its negative length; the whole deflated behind another header, and in base64.
namespace smtpspec::latency {
namespace {

constexpr std::uint32_t plain_cookie = 0x1c849303 | 0x10;
constexpr std::uint32_t compressed_cookie = 0x1c849304 | 0x10;
constexpr std::uint32_t digits = 3;
constexpr std::size_t header = 40;
constexpr std::size_t most_counts = 22 * 1024;         // buckets up to `highest`, and some
constexpr std::size_t most_payload = most_counts * 9;  // octets of the counts
constexpr std::size_t most_text = 512 * 1024;

template <class Word>
void put(std::string& out, Word word) {
    for (int shift = static_cast<int>(sizeof(Word)) * 8 - 8; shift >= 0; shift -= 8)
        out += static_cast<char>(word >> shift & 0xff);
}

std::uint64_t get(std::string_view octets, std::size_t at, std::size_t size) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i)
        word = word << 8 | static_cast<unsigned char>(octets[at + i]);
    return word;
}

/// Seven bits an octet, but the ninth has eight.
void put_zigzag(std::string& out, std::int64_t value) {
    auto bits = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
    for (int i = 0; i < 8 && bits >= 0x80; ++i) {
        out += static_cast<char>((bits & 0x7f) | 0x80);
        bits >>= 7;
    }
    out += static_cast<char>(bits);
}

/// Takes one number off the front; nothing when it is cut.
std::optional<std::int64_t> take_zigzag(std::string_view& octets) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 9 && i < octets.size(); ++i) {
        const auto octet = static_cast<unsigned char>(octets[i]);
        const bool last = i == 8 || octet < 0x80;
        bits |= static_cast<std::uint64_t>(i == 8 ? octet : octet & 0x7f) << (7 * i);
        if (!last)
            continue;
        octets.remove_prefix(i + 1);
        return static_cast<std::int64_t>(bits >> 1) ^ -static_cast<std::int64_t>(bits & 1);
    }
    return std::nullopt;
}

std::string deflated(const std::string& plain) {
    uLongf size = compressBound(static_cast<uLong>(plain.size()));
    std::string out(size, '\0');
    compress2(reinterpret_cast<Bytef*>(out.data()),
              &size,
              reinterpret_cast<const Bytef*>(plain.data()),
              static_cast<uLong>(plain.size()),
              Z_DEFAULT_COMPRESSION);
    out.resize(size);
    return out;
}

std::optional<std::string> inflated(std::string_view packed) {
    uLongf size = header + most_payload;
    std::string out(size, '\0');
    const int result = uncompress(reinterpret_cast<Bytef*>(out.data()),
                                  &size,
                                  reinterpret_cast<const Bytef*>(packed.data()),
                                  static_cast<uLong>(packed.size()));
    if (result != Z_OK)
        return std::nullopt;
    out.resize(size);
    return out;
}

tl::unexpected<std::string> no_histogram(const char* why) {
    return tl::unexpected(std::string("no HdrHistogram (V2, compressed, base64): ") + why);
}

/// The counts behind the header, by bucket.
tl::expected<Histogram, std::string> read_counts(std::string_view payload) {
    Histogram histogram;
    std::uint64_t bucket = 0, all = 0;
    while (!payload.empty()) {
        const std::optional<std::int64_t> number = take_zigzag(payload);
        if (!number)
            return no_histogram("a count is cut");
        if (*number < 0) {
            bucket += 0 - static_cast<std::uint64_t>(*number);
        } else {
            constexpr std::uint64_t most_samples = std::uint64_t{1} << 40;
            all += static_cast<std::uint64_t>(*number);
            if (bucket > Histogram::bucket_of(Histogram::highest) && *number > 0)
                return no_histogram("a value above 10 minutes");
            if (static_cast<std::uint64_t>(*number) > most_samples || all > most_samples)
                return no_histogram("more samples than anybody can take");
            histogram.record(Histogram::lowest_in(static_cast<std::uint32_t>(bucket)),
                             static_cast<std::uint64_t>(*number));
            ++bucket;
        }
        if (bucket > most_counts)
            return no_histogram("more buckets than 10 minutes have");
    }
    return histogram;
}

}  // namespace

std::string Histogram::encode() const {
    std::string counts;
    for (std::size_t i = 0; i < counts_.size();) {
        std::size_t zeros = 0;
        while (i + zeros < counts_.size() && counts_[i + zeros] == 0)
            ++zeros;
        if (zeros > 0) {
            put_zigzag(counts, zeros > 1 ? -static_cast<std::int64_t>(zeros) : 0);
            i += zeros;
        } else {
            put_zigzag(counts, static_cast<std::int64_t>(counts_[i++]));
        }
    }
    std::string plain;
    put(plain, plain_cookie);
    put(plain, static_cast<std::uint32_t>(counts.size()));
    put(plain, std::uint32_t{0});  // normalizing index offset
    put(plain, digits);
    put(plain, static_cast<std::uint64_t>(lowest.count()));
    put(plain, static_cast<std::uint64_t>(highest.count()));
    put(plain, std::bit_cast<std::uint64_t>(1.0));  // integer to double
    plain += counts;
    const std::string packed = deflated(plain);
    std::string whole;
    put(whole, compressed_cookie);
    put(whole, static_cast<std::uint32_t>(packed.size()));
    return smtp::base64_encode(whole + packed);
}

tl::expected<Histogram, std::string> Histogram::decode(std::string_view text) {
    if (text.size() > most_text)
        return no_histogram("too long");
    const auto whole = smtp::base64_decode(text);
    if (!whole)
        return no_histogram("it is no base64");
    if (whole->size() < 8 || (get(*whole, 0, 4) & ~0xf0ULL) != (compressed_cookie & ~0xf0U))
        return no_histogram("the first word is another");
    if (get(*whole, 4, 4) != whole->size() - 8)
        return no_histogram("it is cut");
    const std::optional<std::string> plain = inflated(std::string_view(*whole).substr(8));
    if (!plain)
        return no_histogram("it cannot be inflated, or is too long");
    if (plain->size() < header || (get(*plain, 0, 4) & ~0xf0ULL) != (plain_cookie & ~0xf0U))
        return no_histogram("the word behind the compression is another");
    if (get(*plain, 4, 4) != plain->size() - header)
        return no_histogram("its length is another than it says");
    // The word at 8 is an offset for shifted doubles; hdr-histogram-js writes 1 there and means nothing by
    // it.
    if (get(*plain, 12, 4) != digits || get(*plain, 16, 8) != 1)
        return no_histogram("not three digits from 1 on");
    return read_counts(std::string_view(*plain).substr(header));
}

}  // namespace smtpspec::latency
