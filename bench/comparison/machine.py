"""Making the machine fit for measuring, and describing it."""
import ctypes
import fcntl
import os
import pathlib
import platform
import shutil
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PROXY_CPU, LOAD_CPU = 0, 1


def install_missing():
    """Installs the peers and the load generator from Debian where they are missing."""
    packages = {"wrk": "wrk", "nginx": "nginx", "haproxy": "haproxy", "cmake": "cmake", "c++": "g++", "ip": "iproute2",
                "openssl": "openssl"}
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [package for program, package in packages.items() if not shutil.which(program, path=path)]
    if not os.path.exists("/usr/lib/nginx/modules/ngx_stream_module.so"):
        missing.append("libnginx-mod-stream")
    if not os.path.exists("/usr/include/openssl/ssl.h"):
        missing.append("libssl-dev")
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError(f"please install: {' '.join(missing)}")
    print(f"installing {' '.join(missing)}", flush=True)
    # invoke-rc.d then leaves the services alone: they would take port 80.
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    for command in (["apt-get", "-qq", "update"],
                    ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing]):
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=300)


def loopback_packets():
    """How many went over this network's loopback; what is larger than a segment counts once, as it costs."""
    for line in pathlib.Path("/proc/self/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            return int(figures.split()[1])
    return 0


def enter_own_network():
    """Moves this process, as root, into a network of its own: nothing of the host's settings or traffic is in it.
    Returns a sentence about what was done."""
    if os.geteuid() != 0:
        return "host network (not root)"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        return f"host network (unshare: {os.strerror(ctypes.get_errno())})"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 0).ljust(40, b"\0")
        flags = struct.unpack_from("16sh", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP).ljust(40, b"\0"))
    # Some machines default to BBR, whose pacing doubles the cost of bulk over loopback.
    for target in ("127.0.0.0/8", "127.0.0.1"):
        done = subprocess.run(["ip", "route", "replace", "local", target, "dev", "lo", "src", "127.0.0.1", "proto",
                               "kernel", "scope", "host", "table", "local", "congctl", "cubic"],
                              capture_output=True, timeout=10)
        if done.returncode != 0:
            return "own network namespace, default congestion control"
    return "own network namespace, cubic on loopback"


def hold_cpus_awake():
    """Asks for no sleep states while the returned file is open (None: not possible); idle virtual CPUs wake slowly."""
    try:
        file = open("/dev/cpu_dma_latency", "wb", buffering=0)
        file.write(struct.pack("i", 0))
        return file
    except OSError:
        return None


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def commit(folder):
    done = subprocess.run(["git", "-C", str(folder), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def busy_seconds(cpu):
    """Seconds that a CPU has spent on anything since the boot, in steps of a clock tick."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        words = line.split()
        if words[0] == f"cpu{cpu}":
            user, nice, system, _idle, _iowait, irq, softirq = map(int, words[1:8])
            return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"no cpu{cpu} in /proc/stat")
