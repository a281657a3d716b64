"""Runs at the start of every Python process below a notebook's: a kernel dies with its server.

The notebook's own server dies with its worker, by the system's hand; the system would leave the
kernel that it started. Other processes are left alone: they may belong to a thread that ends.
"""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1

if os.environ.get("DANGO_NOTEBOOK_SERVER") == str(os.getppid()):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
