#pragma once

#include <functional>
#include <string_view>
#include <vector>

namespace smtpspec::smtp::test {

/// Calls handle(pieces) for the text whole, in pieces of 1, 2, 3, 5 and 7 octets, and cut in two at every
/// place: chunk invariance means that nobody can tell the difference.
inline void for_each_split(std::string_view text,
                           const std::function<void(const std::vector<std::string_view>&)>& handle) {
    handle({text});
    for (const size_t size : {1, 2, 3, 5, 7}) {
        std::vector<std::string_view> pieces;
        for (size_t at = 0; at < text.size(); at += size) {
            pieces.push_back(text.substr(at, size));
        }
        handle(pieces);
    }
    for (size_t at = 1; at < text.size(); ++at) {
        handle({text.substr(0, at), text.substr(at)});
    }
}

}  // namespace smtpspec::smtp::test
