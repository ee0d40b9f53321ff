#pragma once

#include <bitset>
#include <set>
#include <string>

namespace smtpspec::client {

/// The deliberate wrong turns of the reference client, each one changed behaviour; defect.cpp says what they
/// do.
enum class Defect {
    answer_any_challenge,
    auth_unoffered,
    bad_certificate_skips_login,
    bounce_a_bounce,
    bounce_with_own_sender,
    clear_after_refusal,
    close_on_bad_challenge,
    continue_in_clear,
    dane_also_checks_name,
    discard_injected_replies,
    drop_on_4yz,
    drop_on_5yz,
    empty_challenge_is_error,
    fold_base64,
    ignore_starttls_offer,
    ignore_starttls_reply_code,
    ignore_tlsa,
    impatient_after_dot,
    implicit_falls_back_to_clear,
    implicit_speaks_clear,
    implicit_treated_as_starttls,
    keep_capabilities_after_starttls,
    keep_plaintext_after_starttls,
    keywords_case_sensitive,
    login_matches_prompts,
    login_password_first,
    long_initial_response,
    lost_reply_is_permanent,
    lost_reply_is_success,
    mail_in_clear,
    mail_without_login,
    no_certificate_check,
    no_ehlo_after_tls,
    no_handshake_after_220,
    no_host_check,
    no_retry,
    oauth_error_unanswered,
    oauth_repeats_token,
    one_copy_per_recipient,
    opportunistic_retry_in_clear,
    permanent_is_temporary,
    pipeline_after_starttls,
    plain_in_clear,
    prefer_login,
    prefer_plain,
    resend_accepted,
    retry_in_clear,
    retry_with_new_sender,
    retry_without_delay,
    reuse_across_logins,
    reuse_across_policies,
    scram_any_iteration_count,
    scram_ignore_extension,
    scram_ignore_nonce,
    scram_ignore_signature,
    stale_connection_is_failure,
    starttls_in_tls_is_error,
    starttls_substring_match,
    starttls_twice,
    starttls_unasked,
    supplied_socket_is_secure,
    temporary_is_permanent,
    trust_unsolicited_replies,
    vague_errors,
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
