"""Starting, watching and stopping the processes of a comparison; each is stopped by its own id."""
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class Child:
    """One program pinned to a set of CPUs; its standard output and error go to a file."""

    def __init__(self, command, cpus, output, wait_for_port=None):
        def prepare():
            os.sched_setaffinity(0, cpus)
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # so that nothing outlives a killed comparison

        self.command, self.output = command, pathlib.Path(output)
        with open(output, "ab") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                            preexec_fn=prepare)
        try:
            if wait_for_port:
                self._wait_for(wait_for_port)
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, port):
        deadline = time.monotonic() + 10
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended with {self.process.returncode}: {self.tail()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.command[0]} does not listen: {self.tail()}") from None
                time.sleep(0.02)

    def tail(self):
        return self.output.read_text(errors="replace")[-2000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pids(self):
        """This process and its descendants."""
        parents = {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                parents[int(entry.name)] = int(stat.rsplit(")", 1)[1].split()[1])
        family = [self.process.pid]
        for pid in family:
            family += [child for child, parent in parents.items() if parent == pid]
        return family

    def cpu_seconds(self):
        """CPU time of all threads of all processes, by the kernel's per-process clock (nanoseconds, not ticks)."""
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids())

    def memory_mib(self):
        """(resident, proportional) memory of all processes. Resident counts pages shared between them several times."""
        resident = proportional = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Rss:"):
                    resident += int(line.split()[1])
                elif line.startswith("Pss:"):
                    proportional += int(line.split()[1])
        return resident / 1024, proportional / 1024


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
