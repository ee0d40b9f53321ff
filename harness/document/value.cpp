#include "harness/document/value.hpp"

#include <fmt/format.h>

#include <cmath>

#include "protocol/smtp/escape.hpp"

namespace smtpspec::document {

namespace {

constexpr std::size_t longest_shown = 60;  // octets of a value that is wrong

}  // namespace

std::string Value::path() const {
    if (parent_ == nullptr) {
        return {};
    }
    const std::string front = parent_->path();
    return index_          ? fmt::format("{}[{}]", front, *index_)
           : front.empty() ? smtp::printable(key_, longest_shown)
                           : fmt::format("{}.{}", front, smtp::printable(key_, longest_shown));
}

void Value::refuse(const std::string& why) const {
    const std::string where = path();
    throw DocumentError(fmt::format("{}: {}", where.empty() ? "the document" : where, why));
}

void Value::wrong(const std::string& expected) const {
    refuse(fmt::format("expected {}, got {}", expected, shown()));
}

Value Value::at(std::string_view key) const {
    if (!value_.is_object()) {
        wrong("an object");
    }
    const auto found = value_.find(key);
    if (found == value_.end()) {
        const std::string where = path();
        throw DocumentError(fmt::format("{}{}{} is missing", where, where.empty() ? "" : ".", key));
    }
    return {*found, this, key};
}

std::string Value::text() const {
    if (!value_.is_string()) {
        wrong("a text");
    }
    return value_.get<std::string>();
}

bool Value::truth() const {
    if (!value_.is_boolean()) {
        wrong("true or false");
    }
    return value_.get<bool>();
}

double Value::real(double low) const {
    const double value = value_.is_number() ? value_.get<double>() : std::nan("");
    if (!std::isfinite(value) || value < low) {
        wrong(fmt::format("a number from {:g} on", low));
    }
    return value;
}

std::vector<std::string> Value::texts() const {
    std::vector<std::string> list;
    each([&](const Value& item) { list.push_back(item.text()); });
    return list;
}

std::vector<std::pair<std::string, std::string>> Value::pairs() const {
    std::vector<std::pair<std::string, std::string>> list;
    each_pair([&](const std::string& key, const Value& value) { list.emplace_back(key, value.text()); });
    return list;
}

std::string Value::shown() const {
    if (value_.is_object() || value_.is_array()) {
        return value_.is_object() ? "an object" : "a list";
    }
    return smtp::printable(value_.dump(-1, ' ', false, Json::error_handler_t::replace), longest_shown);
}

}  // namespace smtpspec::document
