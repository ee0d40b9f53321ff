#!/bin/bash
# What is not CRLF.CRLF ends the data. PORT eod=NAME eol=NAME
exec python3 "$(dirname "$0")/../smuggle.py" "$@"
