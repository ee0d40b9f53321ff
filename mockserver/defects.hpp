#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace smtpspec::mock {

/// The named wrong turns that the faithful server can be told to take, one at a time, to prove scenarios.
enum class Defect : unsigned {
#define SMTPSPEC_DEFECT(word, name, description) word,
#include "mockserver/defect_list.inc"
#undef SMTPSPEC_DEFECT
    count_
};

struct DefectInfo {
    Defect defect;
    std::string_view name;         ///< as `selftest` and --defect write it
    std::string_view description;  ///< what the server does wrong, as one clause
};

/// All defects, in the order of the list. Any thread.
std::span<const DefectInfo> server_defects();
std::optional<Defect> defect_from_string(std::string_view name);
std::string_view to_string(Defect defect);

/// The defects that are switched on.
class DefectSet {
  public:
    DefectSet() = default;
    explicit DefectSet(Defect defect) { add(defect); }
    /// With those that it includes.
    void add(Defect defect);
    bool has(Defect defect) const { return bits_.test(static_cast<std::size_t>(defect)); }
    bool none() const { return bits_.none(); }
    /// By name; the error names what was meant, if anything is near.
    tl::expected<void, std::string> add(std::string_view name);

  private:
    std::bitset<static_cast<std::size_t>(Defect::count_)> bits_;
};

}  // namespace smtpspec::mock
