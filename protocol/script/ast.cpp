#include "protocol/script/ast.hpp"

#include <algorithm>

namespace smtpspec::script {

bool Template::is_literal() const {
    return std::none_of(
        pieces.begin(), pieces.end(), [](const auto& piece) { return piece.expression != nullptr; });
}

std::string Template::literal() const {
    std::string out;
    for (const TemplatePiece& piece : pieces) {
        out += piece.literal;
    }
    return out;
}

std::string_view to_string(BinaryOperator op) {
    switch (op) {
        case BinaryOperator::Or:
            return "or";
        case BinaryOperator::And:
            return "and";
        case BinaryOperator::Equal:
            return "==";
        case BinaryOperator::NotEqual:
            return "!=";
        case BinaryOperator::Less:
            return "<";
        case BinaryOperator::LessEqual:
            return "<=";
        case BinaryOperator::Greater:
            return ">";
        case BinaryOperator::GreaterEqual:
            return ">=";
        case BinaryOperator::Match:
            return "~";
        case BinaryOperator::Add:
            return "+";
        case BinaryOperator::Subtract:
            return "-";
        case BinaryOperator::Multiply:
            return "*";
    }
    return "?";
}

bool CodePattern::matches(int code) const {
    if (text.size() != 3 || code < 0 || code > 999) {
        return false;
    }
    const int digits[] = {code / 100, code / 10 % 10, code % 10};
    for (std::size_t i = 0; i < 3; ++i) {
        const bool wild = (i == 1 && text[i] == 'y') || (i == 2 && text[i] == 'z');
        if (!wild && text[i] != '0' + digits[i]) {
            return false;
        }
    }
    return true;
}

bool Act::answers() const {
    const bool records = std::holds_alternative<OmitAct>(node) || std::holds_alternative<OfferAct>(node) ||
                         std::holds_alternative<TlsAct>(node) || std::holds_alternative<WaitAction>(node) ||
                         std::holds_alternative<MarkAction>(node) || std::holds_alternative<KeepAct>(node);
    return !records;
}

bool Rule::answers() const {
    return std::any_of(acts.begin(), acts.end(), [](const Act& act) { return act.answers(); });
}

}  // namespace smtpspec::script
