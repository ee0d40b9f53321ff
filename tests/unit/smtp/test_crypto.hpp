#pragma once

#include "protocol/smtp/scram.hpp"

namespace smtpspec::smtp::test {

/// SHA-1 and SHA-256 for tests of this folder, which has no OpenSSL. Not for production.
ScramCrypto sha1_crypto();
ScramCrypto sha256_crypto();

}  // namespace smtpspec::smtp::test
