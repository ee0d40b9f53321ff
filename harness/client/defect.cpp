#include "harness/client/defect.hpp"

#include <array>
#include <stdexcept>

#include "harness/client/client_under_test.hpp"

namespace smtpspec::client {
namespace {

constexpr size_t defect_count = static_cast<size_t>(Defect::count_);

constexpr std::array<DefectInfo, defect_count> table = {{
#define SMTPSPEC_DEFECT(word, name, description) {name, description},
#include "harness/client/defect_list.inc"
#undef SMTPSPEC_DEFECT
}};

}  // namespace

Defects::Defects(const std::set<std::string>& names) {
    size_t found = 0;
    for (size_t i = 0; i < table.size(); ++i) {
        const bool wanted = names.count(std::string(table[i].name)) != 0;
        set_.set(i, wanted);
        found += wanted ? 1 : 0;
    }
    if (found == names.size())
        return;
    for (const std::string& name : names) {
        bool known = false;
        for (const DefectInfo& info : table)
            known = known || info.name == name;
        if (!known)
            throw std::invalid_argument("the reference client has no defect \"" + name + "\"");
    }
}

const std::vector<DefectInfo>& client_defects() {
    static const std::vector<DefectInfo> list(table.begin(), table.end());
    return list;
}

}  // namespace smtpspec::client
