"""Worker threads: many callers at once, forked children, and the end of the process."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys, threading, time
import numpy as np
import diffsci.backends.cpu.module as module
module._FORK_NANOSECONDS = 0
import diffsci as ds
from diffsci.backends.cpu import set_num_threads

def laplacian(u):
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u

field, total = ds.jit(laplacian), ds.jit(lambda u: np.sum(np.exp(u) * u))
points = [np.random.default_rng(k).standard_normal((200, 151)) for k in range(4)]
set_num_threads(1)
expected = [(field(x).tobytes(), total(x)) for x in points]
set_num_threads(4)
wrong = []

def compute(k, calls):
    for call in range(calls):
        if (field(points[k]).tobytes(), total(points[k])) != expected[k]:
            wrong.append(k)

callers = [threading.Thread(target=compute, args=(k, 100)) for k in range(4)]
for caller in callers:
    caller.start()
children = []
for _ in range(4):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        compute(0, 20)
        os._exit(len(wrong))
    children.append(child)
failed = [os.waitpid(child, 0)[1] for child in children]
for caller in callers:
    caller.join()
threading.Thread(target=compute, args=(0, 10**9), daemon=True).start()
time.sleep(0.05)
print(wrong, failed)  # and the process ends while a thread computes
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_callers_children_and_the_end():
    """Bit for bit the same from every thread and process, and no crash or deadlock at exit."""
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "[] [0, 0, 0, 0]"


LATE = """
import ctypes, os
from diffsci.backends.cpu import pool
from diffsci.backends.cpu.threads import PARALLEL, STOP

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # a new thread waits for this one
done = []
job = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
kernel = job(lambda *part: done.append(part))
arguments = (kernel, None, ctypes.c_int64(8), ctypes.c_int64(1), ctypes.c_int64(2))
kept = []
for _ in range(20):
    kept.append(pool._library())
    share, stop = (ctypes.CFUNCTYPE(None)(kept[-1].addresses[name]) for name in (PARALLEL, STOP))
    share.argtypes = [type(kernel), ctypes.c_void_p, *[ctypes.c_int64] * 3]
    share(*arguments)
    stop()
print(len(done))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs threads bound to a processor")
def test_a_thread_that_begins_after_the_end_leaves():
    command = [sys.executable, "-c", LATE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 20 * 8
