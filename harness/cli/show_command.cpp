#include <fmt/format.h>

#include "harness/cli/commands.hpp"
#include "harness/cli/load.hpp"
#include "harness/cli/output.hpp"
#include "protocol/script/print.hpp"

namespace smtpspec::cli {

int show_command(const Arguments& arguments) {
    const auto catalog = load_catalog(arguments);
    if (!catalog) {
        return 2;
    }
    const std::string& asked = arguments.operands.front();
    const std::string id = asked.substr(0, asked.find('['));
    const auto scenario = catalog->find(id);
    if (!scenario) {
        const std::string near = catalog->suggest(id);
        say("smtpspec: there is no scenario \"{}\"{}. smtpspec list shows them all.\n",
            id,
            near.empty() ? "" : "; did you mean " + near + "?");
        return 2;
    }
    return print(script::print_scenario(*scenario)) ? 0 : 3;
}

}  // namespace smtpspec::cli
