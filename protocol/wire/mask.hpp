#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smtpspec::wire {

/// Where a conversation stands inside an AUTH exchange, kept per connection and direction by who records.
struct MaskState {
    bool inside_auth = false;  ///< the client's lines are SASL answers until the server's next 2yz/4yz/5yz
    std::string held;          ///< tail of the client's line that is not yet complete
    bool held_is_cut = false;  ///< `held` lacks the line's beginning: it was too long
    std::string server_held;   ///< the same for the server's line
};

/// Replaces secrets before bytes are recorded, logged or shown: by value (raw, base64 at all three
/// alignments, hex, URL-, JSON- (also in ASCII alone) and HTML-escaped) and by position (initial responses
/// and answers inside AUTH). Immutable after the last add(); then any thread.
class Masker {
  public:
    /// Adds a secret of any length; shorter than 4 octets is masked by position only.
    void add(std::string_view secret);
    /// `text` with every occurrence by value replaced by asterisks ("********"); length is not kept.
    std::string by_value(std::string_view text) const;
    /// The same, where `before` is what the reader has already seen: a secret that begins there is masked as
    /// far as it lies in `text`, and so are four or more octets at the end of `text` with which a secret
    /// begins.
    std::string by_value(std::string_view before, std::string_view text) const;
    /// One line or segment that the client sent; masks SASL answers by position, then by value. `state` is
    /// updated.
    std::string client_octets(std::string_view octets, MaskState& state) const;
    /// Octets that the server sent; ends the AUTH exchange at a reply that is not 334, then by value.
    std::string server_octets(std::string_view octets, MaskState& state) const;
    bool empty() const { return secrets_.empty(); }
    /// True when `text` holds the secret in clear, in base64 at any alignment, or inside a base64 SASL
    /// message.
    bool reveals(std::string_view text) const;

  private:
    struct Needle {
        std::string text;
        bool base64 = false;  // its neighbours carry a few bits of the secret too
    };
    using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;  // [from, to)
    void add_needle(std::string text, bool base64);
    void mark_values(std::string_view text, bool open_end, Ranges& ranges) const;

    std::vector<Needle> needles_;  // longest first
    std::size_t longest_ = 0;
    std::vector<std::string> secrets_;
};

}  // namespace smtpspec::wire
