#include "schema_support.hpp"

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace smtpspec::report::test {

namespace {

using nlohmann::json;

/// Parsed once for each file: that of SARIF is large.
const valijson::Schema& schema_of(const std::string& file) {
    static std::map<std::string, std::pair<json, valijson::Schema>> known;
    const auto [at, is_new] = known.try_emplace(file);
    if (is_new) {
        std::ifstream in(std::string(SMTPSPEC_SOURCE_DIR) + "/" + file);
        at->second.first = json::parse(in);
        valijson::SchemaParser parser;
        parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(at->second.first), at->second.second);
    }
    return at->second.second;
}

}  // namespace

std::string schema_complaints(const std::string& schema_file, const json& document) {
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(
            schema_of(schema_file), valijson::adapters::NlohmannJsonAdapter(document), &results)) {
        return {};
    }
    std::string all;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
        for (const std::string& part : error.context) {
            all += part;
        }
        all += ": " + error.description + "\n";
    }
    return all.empty() ? "not valid" : all;
}

}  // namespace smtpspec::report::test
