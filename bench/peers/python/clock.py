"""What every program in Python that is measured shares: its arguments and the clock."""
import gc
import os
import subprocess
import sys
import time

variant = sys.argv[1] if len(sys.argv) > 1 else ""
count = int(sys.argv[2]) if len(sys.argv) > 2 else 0
directory = os.environ.get("BENCH_DATA", "")


def repeated(operation):
    """A workload that is the same operation over and over; a tenth goes before, uncounted."""
    for _ in range(max(1, min(200, count // 10))):
        operation()
    gc.collect()
    began = time.process_time()
    for _ in range(count):
        operation()
    print("ops=%d cpu=%.6f" % (count, time.process_time() - began))


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


class Idle:
    """What many idle clients of `load` add to this process: call `opened` for each."""

    def __init__(self, port):
        self.held, self.before = [], 0
        environment = dict(os.environ, BENCH_PORT=str(port))
        command = [os.environ["BENCH_LIMIT"], "load", "idle", str(count + 50)]
        self.clients = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)

    def opened(self, connection):
        """Whether that was the last one."""
        self.held.append(connection)
        if len(self.held) == 50:
            gc.collect()
            self.before = resident()
        if len(self.held) < count + 50:
            return False
        gc.collect()
        print("ops=%d bytes_each=%d" % (count, (resident() - self.before) // count), flush=True)
        self.clients.stdin.close()
        return True
