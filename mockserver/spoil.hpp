#pragma once

#include <string>

#include "mockserver/defects.hpp"

namespace smtpspec::mock {

/// How the content came.
struct Arrival {
    bool chunked = false;  ///< by BDAT
    bool binary = false;   ///< BODY=BINARYMIME
};

/// What the defects make of a message on its way from the wire to the store; without one, nothing.
std::string spoil(const DefectSet& defects, std::string message, Arrival arrival);

/// The fields that final delivery puts on top (RFC 5321 §4.4), as the defects want them.
std::string return_path_field(const DefectSet& defects, const std::string& from);

}  // namespace smtpspec::mock
