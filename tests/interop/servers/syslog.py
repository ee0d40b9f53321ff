"""syslog.py SOCKET FILE: what programs in a chroot write to /dev/log goes to FILE."""
import os
import socket
import sys
import time

path, log = sys.argv[1:3]
if os.path.lexists(path):
    os.unlink(path)
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(path)
os.chmod(path, 0o666)
with open(log, "ab", buffering=0) as out:
    while True:
        line = receiver.recv(65536).rstrip(b"\n\0")
        out.write(time.strftime("%H:%M:%S ").encode() + line + b"\n")
