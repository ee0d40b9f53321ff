#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "protocol/script/diagnostic.hpp"
#include "protocol/script/head.hpp"
#include "protocol/script/suggest.hpp"
#include "protocol/script/yaml_reader.hpp"

/// Inside of protocol/script: makes a typed `Head` out of what the YAML reader found.
namespace smtpspec::script {

class HeadLoader {
  public:
    explicit HeadLoader(Reporter& reporter) : reporter_(reporter) {}

    /// Reads the octets [begin, end) of the file. What is missing or wrong is reported and keeps its default.
    Head load(std::size_t begin, std::size_t end);

    /// True if the file needs a later version of the language; then nothing else is worth saying.
    bool refused() const { return refused_; }
    /// True if `side` was there and valid.
    bool side_known() const { return side_known_; }

  private:
    using Setter = void (HeadLoader::*)(const YamlNode&);
    struct Key {
        std::string_view name;
        Setter set;
    };
    static const std::vector<Key>& keys();

    void check_mandatory(const YamlNode& root, Position at);
    void check_side_keys(const YamlNode& root);

    // one for each key
    void set_id(const YamlNode& node);
    void set_rev(const YamlNode& node);
    void set_title(const YamlNode& node);
    void set_fail_means(const YamlNode& node);
    void set_side(const YamlNode& node);
    void set_level(const YamlNode& node);
    void set_severity(const YamlNode& node);
    void set_refs(const YamlNode& node);
    void set_outcomes(const YamlNode& node);
    void set_selftest(const YamlNode& node);
    void set_from(const YamlNode& node);
    void set_modes(const YamlNode& node);
    void set_service(const YamlNode& node);
    void set_needs(const YamlNode& node);
    void set_params(const YamlNode& node);
    void set_except(const YamlNode& node);
    void set_covers(const YamlNode& node);
    void set_client(const YamlNode& node);
    void set_limiter(const YamlNode& node);
    void set_dns(const YamlNode& node);
    void set_web(const YamlNode& node);
    void set_time(const YamlNode& node);
    void set_intrusive(const YamlNode& node);
    void set_language(const YamlNode& node);

    void add_outcome(const YamlNode::Entry& entry);
    void add_selftest(const YamlNode::Entry& entry);
    void add_parameter(const YamlNode::Entry& entry);
    void add_value(Parameter& parameter, const std::string& name, Position at, const YamlNode& node);
    void add_client_entry(const YamlNode::Entry& entry);
    void check_client_value(const YamlNode::Entry& entry, const std::string& text);
    void add_limiter(const YamlNode::Entry& entry);
    void set_rate(Limiter& limiter, const YamlNode& node);

    // shapes
    bool expect_scalar(const YamlNode& node, std::string_view what);
    bool expect_map(const YamlNode& node, std::string_view what);
    bool expect_list(const YamlNode& node, std::string_view what);
    /// Reports a map or list with more entries than anybody can review; they are not looked at.
    bool too_many(const YamlNode& node);
    /// One line of text; "" when it is not one.
    Located line_of(const YamlNode& node, std::string_view key, std::string_view what);
    std::vector<Located> texts(const YamlNode& list, std::string_view what);
    std::optional<std::int64_t> integer(const YamlNode& node, std::string_view what, std::int64_t least);
    std::optional<Duration> time_of(const YamlNode& node);
    void check_name(const std::string& name, Position at, std::string_view what);
    CellFilter filter_of(const YamlNode& node);
    Template template_of(const YamlNode& scalar);
    void wrong(const YamlNode& node, std::string message, std::string expected = {}, std::string hint = {});

    template <class Value, class Read>
    std::optional<Value> word_of(const YamlNode& node,
                                 std::string_view what,
                                 Read read,
                                 const std::vector<std::string>& known);

    Reporter& reporter_;
    Head head_;
    bool refused_ = false;
    bool side_known_ = false;
};

template <class Value, class Read>
std::optional<Value> HeadLoader::word_of(const YamlNode& node,
                                         std::string_view what,
                                         Read read,
                                         const std::vector<std::string>& known) {
    if (!expect_scalar(node, any_of(known))) {
        return std::nullopt;
    }
    const std::string word = node.text();
    const std::optional<Value> value = read(word);
    if (!value) {
        wrong(node, fmt::format("unknown {} `{}`", what, word), any_of(known), did_you_mean(word, known));
    }
    return value;
}

}  // namespace smtpspec::script
