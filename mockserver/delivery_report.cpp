#include "mockserver/delivery_report.hpp"

#include <fmt/format.h>

#include "protocol/smtp/address.hpp"
#include "protocol/smtp/escape.hpp"

namespace smtpspec::mock {
namespace {

/// "Name: value", or nothing when there is no value. xtext is undone (RFC 3464 §2.2.1, §2.3.1).
std::string field(const char* name, const std::string& value) {
    if (value.empty()) {
        return {};
    }
    const auto decoded = smtp::xtext_decode(value);
    return fmt::format("{}: {}\r\n", name, smtp::printable(decoded ? *decoded : value, 600));
}

}  // namespace

std::string delivery_report(const DeliveryFacts& facts) {
    const auto boundary = "report-" + facts.unique;
    return fmt::format(
        "Return-Path: <>\r\n"
        "Date: {0}\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@{1}>\r\n"
        "To: <{2}>\r\n"
        "Subject: Delivered\r\n"
        "Message-ID: <{3}@{1}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=\"{3}\"\r\n"
        "\r\n"
        "--{3}\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n"
        "\r\n"
        "The message was delivered to {4}.\r\n"
        "\r\n"
        "--{3}\r\n"
        "Content-Type: message/delivery-status\r\n"
        "\r\n"
        "Reporting-MTA: dns; {1}\r\n"
        "{5}"
        "\r\n"
        "{6}"
        "Final-Recipient: rfc822; {4}\r\n"
        "Action: delivered\r\n"
        "Status: 2.0.0\r\n"
        "\r\n"
        "--{3}--\r\n",
        facts.date,
        facts.host,
        facts.sender,
        boundary,
        facts.recipient,
        field("Original-Envelope-Id", facts.envelope_id),
        field("Original-Recipient", facts.original));
}

}  // namespace smtpspec::mock
