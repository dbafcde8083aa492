/** The far end of a pty, in Python (for `python3 -c`, so that compiled tests find it too), driven by frames on stdin. */
export const PTY_PEER = `
"""One letter, a length (u32, little-endian), that many bytes.

W bytes: write to the master. C bytes: write them as one chunk, once the near end has read what came before. P: pull the cable (close both ends, remove the link). G: plug in (a new pty, the link points
to it). M: a new pty behind the link while the old one stays open and silent. B: report the line speed.
Answers on stdout have the same form. R bytes: received. N name: the tty now behind the link. B speed. P: pulled.
"""

import collections
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import tty

SPEEDS = {getattr(termios, n): int(n[1:]) for n in dir(termios) if n[0] == "B" and n[1:].isdigit()}
link = sys.argv[1]
master = slave = -1
kept = []
pending = b""
chunks = collections.deque()
inbox = b""


def answer(kind, body=b""):
    os.write(1, kind + struct.pack("<I", len(body)) + body)


def point(name):
    os.symlink(name, link + ".new")
    os.rename(link + ".new", link)  # never a moment without a link


def plug():
    global master, slave, pending
    pending = b""
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    point(os.ttyname(slave))
    answer(b"N", os.ttyname(slave).encode())


def pull():
    global master, slave, pending
    pending = b""
    if os.path.lexists(link):
        os.unlink(link)
    if master >= 0:
        os.close(master)
        os.close(slave)
        master = slave = -1
    answer(b"P")


def unread():
    return struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, b"\\0" * 4))[0]


def command(kind, body):
    global pending
    if kind == b"W":
        if master >= 0:
            pending += body
    elif kind == b"C":
        chunks.append(body)
    elif kind == b"P":
        pull()
    elif kind == b"G":
        plug()
    elif kind == b"M":
        kept.append((master, slave))
        plug()
    elif kind == b"B":
        answer(b"B", str(SPEEDS[termios.tcgetattr(slave)[5]]).encode())


plug()
while True:
    readers = [0] + ([master] if master >= 0 else [])
    writers = [master] if pending else []
    readable, writable, _ = select.select(readers, writers, [], 0.0005 if chunks else None)
    if chunks and not pending and master >= 0 and unread() == 0:
        pending = chunks.popleft()
    if master in writable:
        try:
            pending = pending[os.write(master, pending[:1024]) :]
        except BlockingIOError:
            pass
    if master in readable:
        try:
            answer(b"R", os.read(master, 65536))
        except (BlockingIOError, OSError):
            pass
    if 0 in readable:
        got = os.read(0, 65536)
        if not got:
            sys.exit(0)
        inbox += got
        while len(inbox) >= 5:
            (size,) = struct.unpack_from("<I", inbox, 1)
            if len(inbox) < 5 + size:
                break
            kind, body = inbox[:1], inbox[5 : 5 + size]
            inbox = inbox[5 + size :]
            command(kind, body)
`;
