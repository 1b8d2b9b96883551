"""The programs compared, and how each is started for a case."""
import dataclasses
import os
import pathlib
import subprocess

from . import configs, machine
from .processes import Child, free_port


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    binary: str
    kind: str  # "nginx": reads nginx's configuration; "haproxy"

    def version(self):
        return machine.first_line([self.binary, "-v"])

    def start(self, case, folder, backend_port):
        """Starts it for `case`, with its files in `folder`. Returns a Running."""
        folder.mkdir(parents=True)
        port = free_port()
        config = folder / "proxy.conf"
        if self.kind == "haproxy":
            config.write_text(configs.haproxy_text(case, port, backend_port, self.name != "haproxy-copying"))
            command = [self.binary, "-db", "-f", str(config)]
        else:
            with_temp_paths = self.name.startswith("nginx") and os.geteuid() != 0
            config.write_text(configs.nginx_text(case, folder, port, backend_port, with_temp_paths))
            command = [self.binary, "-p", f"{folder}/", "-c", "proxy.conf", "-e", "error.log"]
        return Running(self, port, folder, Child(command, machine.PROXY_CPU, folder / "output", wait_for_port=port))


@dataclasses.dataclass
class Running:
    program: Program
    port: int
    folder: pathlib.Path
    child: Child

    def shorten_logs(self):
        """Empties what grows with the requests; both are written by appending."""
        for name in ("access.log", "output"):
            if (self.folder / name).exists():
                os.truncate(self.folder / name, 0)


def build_origin(root, folder):
    """Builds the origin in `folder`, and returns the program."""
    for command in (["cmake", "-S", str(root / "bench" / "wrk"), "-B", str(folder)], ["cmake", "--build", str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return folder / "origin"
