#include "protocol/script/eval.hpp"

namespace smtpspec::script {

namespace {

class Search {
  public:
    explicit Search(const std::set<std::string>& words) : words_(words) {}

    bool in(const Template& text) const {
        for (const TemplatePiece& piece : text.pieces) {
            if (piece.expression != nullptr && in(*piece.expression)) {
                return true;
            }
        }
        return false;
    }

    bool in(const Expression& expression) const {
        return std::visit([&](const auto& node) { return found(node); }, expression.node);
    }

  private:
    bool in(const std::vector<ExpressionPtr>& list) const {
        for (const ExpressionPtr& item : list) {
            if (in(*item)) {
                return true;
            }
        }
        return false;
    }

    bool found(const StringLiteral& node) const { return in(node.text); }
    bool found(const RegexLiteral& node) const { return in(node.regex.source); }
    bool found(const NumberLiteral&) const { return false; }
    bool found(const NameExpression& node) const {
        const std::size_t dot = node.name.find('.');
        return dot != std::string::npos && words_.contains(node.name.substr(0, dot + 1));
    }
    bool found(const CallExpression& node) const {
        return words_.contains(node.function) || in(node.arguments);
    }
    bool found(const ListExpression& node) const { return in(node.items); }
    bool found(const IndexExpression& node) const { return in(*node.base) || in(*node.index); }
    bool found(const NotExpression& node) const { return in(*node.operand); }
    bool found(const BinaryExpression& node) const { return in(*node.left) || in(*node.right); }

    const std::set<std::string>& words_;
};

}  // namespace

bool mentions(const Expression& expression, const std::set<std::string>& words) {
    return Search(words).in(expression);
}

bool mentions(const Template& text, const std::set<std::string>& words) { return Search(words).in(text); }

}  // namespace smtpspec::script
