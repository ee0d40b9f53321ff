#include "harness/run/cell_environment.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "harness/run/given.hpp"

namespace smtpspec::run {

namespace {
constexpr std::chrono::milliseconds quiet_here{200};
constexpr std::chrono::milliseconds quiet_elsewhere{1000};
constexpr std::size_t file_limit = 16U << 20;
}  // namespace

CellEnvironment::CellEnvironment(const RunContext& context,
                                 const PlannedCell& cell,
                                 boost::asio::any_io_executor executor,
                                 wire::Transcript& transcript,
                                 const wire::Masker& masker)
    : context_(context),
      cell_(cell),
      executor_(std::move(executor)),
      transcript_(transcript),
      masker_(masker),
      given_(given_values(context, cell)) {}

std::string CellEnvironment::recipient(int n) const { return nth_recipient(context_, n); }

std::chrono::milliseconds CellEnvironment::quiet() const {
    return context_.profile.quiet.value_or(context_.loopback() ? quiet_here : quiet_elsewhere);
}

std::optional<std::string> CellEnvironment::spki(const std::string& certificate) const {
    const auto kind = wire::certificate_kind(certificate);
    return kind ? std::optional(context_.pki->spki_sha256(*kind)) : std::nullopt;
}

std::optional<std::vector<std::string>> CellEnvironment::dns(const std::string&, const std::string&) {
    return std::nullopt;
}

std::optional<std::string> CellEnvironment::web(const std::string&) { return std::nullopt; }

std::optional<std::string> CellEnvironment::file(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return std::nullopt;
    }
    const std::filesystem::path beside =
        std::filesystem::path(cell_.scenario->source->name()).parent_path() / name;
    std::ifstream in(beside, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || text.str().size() > file_limit) {
        return std::nullopt;
    }
    return text.str();
}

tl::unexpected<wire::IoError> not_offered(std::string what) {
    wire::IoError error;
    error.kind = wire::IoError::Kind::other;
    error.what = std::move(what);
    return tl::unexpected<wire::IoError>(std::move(error));
}

}  // namespace smtpspec::run
