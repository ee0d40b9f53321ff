#include "protocol/script/print.hpp"

#include <fmt/format.h>

/// Expressions, strings and numbers as text. print_script.cpp has statements and patterns.
namespace smtpspec::script {
namespace {

enum Precedence { Lowest, OrLevel, AndLevel, NotLevel, RelationLevel, SumLevel, ProductLevel, Atom };

Precedence precedence_of(BinaryOperator op) {
    switch (op) {
        case BinaryOperator::Or:
            return OrLevel;
        case BinaryOperator::And:
            return AndLevel;
        case BinaryOperator::Add:
        case BinaryOperator::Subtract:
            return SumLevel;
        case BinaryOperator::Multiply:
            return ProductLevel;
        default:
            return RelationLevel;
    }
}

std::string escaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto octet = static_cast<unsigned char>(text[i]);
        switch (text[i]) {
            case '\r':
                out += "\\r";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '$':
                out += "$$";
                break;
            default:
                out +=
                    octet < 0x20 || octet >= 0x7F ? fmt::format("\\x{:02X}", octet) : std::string(1, text[i]);
        }
    }
    return out;
}

std::string print(const Expression& expression, Precedence outer);

std::string list(const std::vector<ExpressionPtr>& items) {
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        out += (i == 0 ? "" : ", ") + print(*items[i], Lowest);
    }
    return out;
}

struct Printer {
    Precedence outer;

    std::string operator()(const StringLiteral& node) const { return to_text(node.text); }
    std::string operator()(const RegexLiteral& node) const { return to_text(node.regex); }
    std::string operator()(const NumberLiteral& node) const { return to_text(node.quantity); }
    std::string operator()(const NameExpression& node) const { return node.name; }
    std::string operator()(const CallExpression& node) const {
        return fmt::format("{}({})", node.function, list(node.arguments));
    }
    std::string operator()(const ListExpression& node) const { return fmt::format("[{}]", list(node.items)); }
    std::string operator()(const IndexExpression& node) const {
        return fmt::format("{}[{}]", print(*node.base, Atom), print(*node.index, Lowest));
    }
    std::string operator()(const NotExpression& node) const {
        return wrap("not " + print(*node.operand, RelationLevel), NotLevel);
    }
    std::string operator()(const BinaryExpression& node) const {
        const Precedence own = precedence_of(node.op);
        // All levels but relations join to the left; relations do not chain at all.
        const auto tighter = static_cast<Precedence>(own + 1);
        const Precedence left = own == RelationLevel ? tighter : own;
        return wrap(
            fmt::format("{} {} {}", print(*node.left, left), to_string(node.op), print(*node.right, tighter)),
            own);
    }
    std::string wrap(const std::string& text, Precedence own) const {
        return own < outer ? "(" + text + ")" : text;
    }
};

std::string print(const Expression& expression, Precedence outer) {
    return std::visit(Printer{outer}, expression.node);
}

}  // namespace

std::string to_text(const Expression& expression) { return print(expression, Lowest); }

std::string to_text(const Template& text) {
    std::string out = "\"";
    for (const TemplatePiece& piece : text.pieces) {
        out += piece.expression ? fmt::format("${{{}}}", to_text(*piece.expression)) : escaped(piece.literal);
    }
    return out + "\"";
}

std::string to_text(const Regex& regex) {
    std::string out = "/";
    for (const TemplatePiece& piece : regex.source.pieces) {
        if (piece.expression) {
            out += fmt::format("${{{}}}", to_text(*piece.expression));
            continue;
        }
        bool after_backslash = false;
        for (const char c : piece.literal) {
            out += c == '/' && !after_backslash ? "\\/" : std::string(1, c);
            after_backslash = c == '\\' && !after_backslash;
        }
    }
    return out + (regex.ignore_case ? "/i" : "/");
}

std::string to_text(const Quantity& quantity) {
    constexpr std::int64_t mebi = 1024 * 1024;
    switch (quantity.unit) {
        case Unit::Time:
            return duration_text(Duration(quantity.value));
        case Unit::Percent:
            return fmt::format("{}%", quantity.value);
        case Unit::Octets:
            if (quantity.value != 0 && quantity.value % mebi == 0) {
                return fmt::format("{}MiB", quantity.value / mebi);
            }
            return quantity.value % 1024 == 0 ? fmt::format("{}KiB", quantity.value / 1024)
                                              : fmt::format("{}", quantity.value);
        case Unit::None:
            break;
    }
    return fmt::format("{}", quantity.value);
}

}  // namespace smtpspec::script
