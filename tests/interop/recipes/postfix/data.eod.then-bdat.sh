#!/bin/bash
# What is not CRLF.CRLF ends the data, and BDAT brings a second message. PORT eod=NAME
exec python3 "$(dirname "$0")/../smuggle.py" "$@" second=bdat
