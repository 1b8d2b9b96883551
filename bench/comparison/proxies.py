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
    kind: str  # "nginx": reads nginx's configuration; "haproxy"; "floor": a relay of bytes
    workers: int = 1  # of those that read nginx's configuration; with several they share the load's CPU

    def version(self):
        return "the kernel's part: a relay of bytes" if self.kind == "floor" else machine.first_line([self.binary, "-v"])

    def can_do(self, case):
        if self.kind == "haproxy":
            return not case.datagrams
        return self.kind != "floor" or case.for_floor()

    def start(self, case, folder, backend_port):
        """Starts it for `case`, with its files in `folder`. Returns a Running."""
        folder.mkdir(parents=True)
        if case.tls:
            make_certificate(folder)
        port = free_port()
        config = folder / "proxy.conf"
        if self.kind == "floor":
            config.write_text("")
            certificate = [str(folder / "cert.pem"), str(folder / "key.pem")] if case.tls else []
            command = [self.binary, str(port), str(backend_port), *certificate]
        elif self.kind == "haproxy":
            config.write_text(configs.haproxy_text(case, port, backend_port, self.name != "haproxy-copying", folder))
            command = [self.binary, "-db", "-f", str(config)]
        else:
            with_temp_paths = self.name.startswith("nginx") and os.geteuid() != 0
            load_stream = case.layer4 and self.name.startswith("nginx")
            config.write_text(configs.nginx_text(case, folder, port, backend_port, with_temp_paths, load_stream, self.workers))
            command = [self.binary, "-p", f"{folder}/", "-c", "proxy.conf", "-e", "error.log"]
        cpus = {machine.PROXY_CPU} if self.workers == 1 else {machine.PROXY_CPU, machine.LOAD_CPU}
        return Running(self, port, folder, Child(command, cpus, folder / "output", wait_for_port=port))


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


def make_certificate(folder):
    """A P-256 certificate: `cert.pem`, `key.pem`, and both in `both.pem` as HAProxy wants them."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=bench.test", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")],
                   check=True, capture_output=True, timeout=30)
    (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())


def build_origin(root, folder):
    """Builds the origin in `folder`, and returns the program."""
    for command in (["cmake", "-S", str(root / "bench" / "wrk"), "-B", str(folder)], ["cmake", "--build", str(folder)]):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return folder / "origin"
