#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/script/eval.hpp"

namespace smtpspec::script {

class ScriptState;
class Link;

/// What names and functions mean in the script of one cell (scenario-language.md §9).
class ScriptScope : public Scope {
  public:
    explicit ScriptScope(ScriptState& state) : state_(state) {}

    Value name(const std::string& name, Position at) override;
    bool has_variable(const std::string& name) const override;
    std::optional<Value> call(const std::string& function,
                              const std::vector<Value>& arguments,
                              Position at) override;
    void capture(const std::string& name, std::string octets) override;
    void compared(const Expression& side, const Value& value) override;

    void set(const std::string& name, Value value) { variables_[name] = std::move(value); }
    /// While on, what is compared is kept as a measurement.
    void measure(bool on) { measuring_ = on; }

  private:
    std::optional<Value> parameter(const std::string& name, Position at);
    std::optional<Value> dotted(const std::string& name);
    Value store_fact(const std::string& name);
    Value client_fact(const std::string& name);
    Value session_value(const std::string& name);
    Value search_store(const std::string& function, const std::string& token);
    std::optional<Value> time_function(const std::string& function, const std::string& mark);
    std::optional<Value> world_function(const std::string& function,
                                        const std::vector<Value>& arguments,
                                        Position at);

    ScriptState& state_;
    std::map<std::string, Value> variables_;
    std::map<std::string, Value> parameters_;  ///< already expanded
    int depth_ = 0;
    bool measuring_ = false;
};

/// `reply.code`, `tls.version`, `cert.days` … of one connection.
Value reply_fact(Link& link, const std::string& name);
Value tls_fact(Link& link, const std::string& name);
Value certificate_fact(Link& link, const std::string& name);
/// `tls.offers("RC4")`: the ClientHello offers a version or a cipher suite whose name holds the text.
Value offers(Link& link, const std::string& text);

}  // namespace smtpspec::script
