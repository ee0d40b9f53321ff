#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "protocol/script/lint.hpp"
#include "protocol/script/scenario.hpp"

namespace smtpspec::run {

/// All scenarios, profiles and adapters a program run knows: the embedded ones, overridden or joined by those
/// of
/// `--scenarios DIR`. Immutable after loading; any thread.
class Catalog {
  public:
    /// Loads the embedded files and then every *.smtp and *.yaml below `directory` ("" = none). A scenario
    /// with the id of an embedded one replaces it; two of the folder with one id are an error. Errors: every
    /// diagnostic of every broken file, rendered.
    static tl::expected<Catalog, std::string> load(const std::string& directory);
    /// Only the scenarios of these files (for `lint` and tests).
    static tl::expected<Catalog, std::string> from_files(const std::vector<std::string>& files);

    const std::vector<std::shared_ptr<const script::Scenario>>& scenarios() const { return scenarios_; }
    std::shared_ptr<const script::Scenario> find(std::string_view id) const;
    /// The text of "endpoints/resend.yaml" and the like, or null.
    const std::string* data(const std::string& name) const;
    std::vector<std::string> data_names(std::string_view folder) const;
    /// Best "did you mean" for an id, or "".
    std::string suggest(std::string_view id) const;

  private:
    std::string add(const std::string& name, std::string text, const std::string& shown_name);
    void sort();

    std::vector<std::shared_ptr<const script::Scenario>> scenarios_;
    std::map<std::string, std::string> data_;
    std::map<std::string, std::string> sources_;  ///< id -> file, of those that may not have the id twice
};

/// The linter's vocabulary with the defects of our model peers.
script::LintVocabulary lint_vocabulary();

/// The group of an id: "starttls" of "starttls.inject.command-same-segment".
std::string_view group_of(std::string_view id);

}  // namespace smtpspec::run
