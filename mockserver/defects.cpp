#include "mockserver/defects.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "protocol/script/suggest.hpp"

namespace smtpspec::mock {
namespace {

constexpr std::array table = {
#define SMTPSPEC_DEFECT(word, name, description) DefectInfo{Defect::word, name, description},
#include "mockserver/defect_list.inc"
#undef SMTPSPEC_DEFECT
};

/// What a defect does besides its own.
constexpr std::pair<Defect, Defect> included[] = {
    {Defect::keep_plaintext_bare_lf, Defect::keep_plaintext_after_starttls},
    {Defect::envelope_survives_starttls, Defect::mail_in_clear_accepted},
    {Defect::envelope_cleared_550, Defect::mail_in_clear_accepted},
    {Defect::auth_survives_starttls, Defect::auth_in_clear_accepted},
    {Defect::auth_in_transaction_started, Defect::mail_demands_tls_not_login},
    {Defect::auth_in_transaction_550, Defect::mail_demands_tls_not_login},
    {Defect::auth_in_transaction_550, Defect::errors_say_550},
    {Defect::mail_auth_param_refused, Defect::mail_demands_tls_not_login},
    {Defect::auth_in_clear_without_plain, Defect::auth_in_clear_accepted},
    {Defect::auth_in_clear_without_plain, Defect::auth_plain_not_offered},
    {Defect::auth_login_alone_any_password, Defect::auth_accepts_any_password},
    {Defect::eod_accepts_bare_lf_slowly, Defect::eod_accepts_bare_lf},
    {Defect::eod_accepts_bare_lf_slowly_then_hangs_up, Defect::eod_accepts_bare_lf_slowly},
    {Defect::eod_accepts_bare_lf_slowly_then_hangs_up, Defect::eod_accepts_bare_lf},
    {Defect::eod_bare_lf_cuts_message, Defect::eod_accepts_bare_lf},
    {Defect::nested_mail_restarts_late, Defect::nested_mail_restarts},
    {Defect::nested_mail_restarts_late, Defect::data_without_recipients_taken},
    {Defect::relays_for_local_senders, Defect::mail_demands_tls_not_login},
    {Defect::relays_routed_recipients, Defect::mail_demands_tls_not_login},
    {Defect::harvest_unlimited, Defect::mail_demands_tls_not_login},
    {Defect::harvest_unlimited, Defect::errors_unlimited},
    {Defect::harvest_takes_all, Defect::mail_demands_tls_not_login},
    {Defect::harvest_takes_all, Defect::bad_recipient_refused_late},
    {Defect::vrfy_utf8_kills, Defect::vrfy_utf8_drops},
    {Defect::rcpt_unknown_slowly, Defect::mail_demands_tls_not_login},
    {Defect::greylists_strangers, Defect::mail_demands_tls_not_login},
    {Defect::greylists_strangers, Defect::greylists},
    {Defect::rcpt_closes, Defect::mail_demands_tls_not_login},
    {Defect::futurerelease_unchecked, Defect::futurerelease_offered},
    {Defect::deliverby_later, Defect::deliverby_offered},
    {Defect::deliverby_later, Defect::mail_always_refused},
    {Defect::deliverby_notice_refused, Defect::deliverby_offered},
    {Defect::deliverby_unchecked, Defect::deliverby_offered},
    {Defect::mtpriority_for_all, Defect::mtpriority_offered},
    {Defect::mtpriority_for_all, Defect::mail_demands_tls_not_login},
    {Defect::mtpriority_unchecked, Defect::mtpriority_for_all},
    {Defect::mtpriority_unchecked, Defect::mtpriority_offered},
    {Defect::mtpriority_unchecked, Defect::mail_demands_tls_not_login},
    {Defect::requiretls_in_clear, Defect::requiretls_offered},
    {Defect::requiretls_in_clear, Defect::mail_in_clear_accepted},
    {Defect::smtputf8_not_needed, Defect::utf8_not_validated},
    {Defect::data_without_recipients_accepted, Defect::data_without_recipients},
    {Defect::bare_line_ends_become_crlf, Defect::accepts_bare_line_ends},
    {Defect::bare_line_ends_cut_message, Defect::accepts_bare_line_ends},
    {Defect::bare_line_ends_become_space, Defect::accepts_bare_line_ends},
    {Defect::null_sender_refused, Defect::mail_demands_tls_not_login},
    {Defect::unknown_user_accepted, Defect::mail_demands_tls_not_login},
    {Defect::unknown_user_accepted, Defect::bad_recipient_refused_late},
    {Defect::unknown_user_closes, Defect::mail_demands_tls_not_login},
    {Defect::unknown_user_closes, Defect::close_after_error},
    {Defect::postmaster_refused, Defect::mail_demands_tls_not_login},
    {Defect::postmaster_case_sensitive, Defect::mail_demands_tls_not_login},
};

}  // namespace

void DefectSet::add(Defect defect) {
    bits_.set(static_cast<std::size_t>(defect));
    for (const auto& [whole, part] : included) {
        if (whole == defect) {
            bits_.set(static_cast<std::size_t>(part));
        }
    }
}

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
    std::vector<std::string> known;
    for (const auto& info : table) {
        known.emplace_back(info.name);
    }
    auto hint = script::did_you_mean(name, known);
    return tl::unexpected("no defect of the server is called \"" + std::string(name) + "\"" +
                          (hint.empty() ? "" : "; " + hint));
}

}  // namespace smtpspec::mock
