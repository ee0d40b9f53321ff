#include "mockserver/defects.hpp"

#include <algorithm>
#include <array>

#include "protocol/script/suggest.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::array table = {
#define SMTPSPEC_DEFECT(word, name, description) DefectInfo{Defect::word, name, description},
#include "mockserver/defect_list.inc"
#undef SMTPSPEC_DEFECT
};

}  // namespace

std::span<const DefectInfo> server_defects() { return table; }

std::optional<Defect> defect_from_string(std::string_view name) {
    const auto it =
        std::find_if(table.begin(), table.end(), [&](const DefectInfo& info) { return info.name == name; });
    return it == table.end() ? std::nullopt : std::optional(it->defect);
}

std::string_view to_string(Defect defect) { return table.at(static_cast<std::size_t>(defect)).name; }

tl::expected<void, std::string> DefectSet::add(std::string_view name) {
    if (const auto defect = defect_from_string(name)) {
        add(*defect);
        return {};
    }
    return tl::unexpected("no defect of the server is called \"" + std::string(name) + "\"");
}

}  // namespace smtpspec::mock
