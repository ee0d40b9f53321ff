#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace smtpspec::fuzz {

/// What must hold for every input; a breach is what the fuzzer looks for.
inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

inline std::string_view text_of(const std::uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first octet off, to choose options by; 0 when there is none.
inline unsigned take_octet(std::string_view& text) {
    if (text.empty()) {
        return 0;
    }
    const unsigned octet = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    return octet;
}

}  // namespace smtpspec::fuzz
