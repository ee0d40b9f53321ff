#include "protocol/script/head.hpp"

#include <algorithm>

namespace smtpspec::script {
namespace {

template <class Range, class Same>
auto find_in(const Range& range, Same same) -> decltype(&*range.begin()) {
    const auto found = std::find_if(range.begin(), range.end(), same);
    return found == range.end() ? nullptr : &*found;
}

}  // namespace

const Template* ParamValue::find(std::string_view field) const {
    if (!is_map()) {
        return field.empty() ? &std::get<Template>(value) : nullptr;
    }
    const auto& fields = std::get<1>(value);
    const auto* found = find_in(fields, [&](const auto& entry) { return entry.first == field; });
    return found == nullptr ? nullptr : &found->second;
}

const ParamValue* Parameter::find(std::string_view value_name) const {
    return find_in(values, [&](const auto& value) { return value.name == value_name; });
}

const Outcome* Head::outcome(std::string_view label) const {
    return find_in(outcomes, [&](const auto& entry) { return entry.label == label; });
}

const Parameter* Head::parameter(std::string_view name) const {
    return find_in(params, [&](const auto& entry) { return entry.name == name; });
}

const ClientEntry* Head::client_entry(std::string_view key) const {
    return find_in(client, [&](const auto& entry) { return entry.key == key; });
}

const Limiter* Head::limiter(std::string_view name) const {
    return find_in(limiters, [&](const auto& entry) { return entry.name == name; });
}

bool Head::needs_word(std::string_view word) const {
    return find_in(needs, [&](const auto& entry) { return entry.text == word; }) != nullptr;
}

bool Head::has_mode(Mode mode) const { return std::find(modes.begin(), modes.end(), mode) != modes.end(); }

bool Head::has_service(Service service) const {
    return std::find(services.begin(), services.end(), service) != services.end();
}

}  // namespace smtpspec::script
