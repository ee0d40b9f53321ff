#pragma once

#include <bitset>
#include <set>
#include <string>

namespace smtpspec::client {

/// The deliberate wrong turns of the reference client, each one changed behaviour; defect.cpp says what they
/// do.
enum class Defect {
#define SMTPSPEC_DEFECT(word, name, description) word,
#include "harness/client/defect_list.inc"
#undef SMTPSPEC_DEFECT
    count_  ///< how many there are
};

/// The defects of one client; none in the good one.
class Defects {
  public:
    Defects() = default;
    /// Throws std::invalid_argument for a name that client_defects() does not have.
    explicit Defects(const std::set<std::string>& names);

    bool has(Defect defect) const { return set_.test(static_cast<size_t>(defect)); }

  private:
    std::bitset<static_cast<size_t>(Defect::count_)> set_;
};

}  // namespace smtpspec::client
