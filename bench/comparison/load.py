"""One measured run: wrk against one proxy, and what the proxy's processes did meanwhile."""
import http.client
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

from . import machine
from .cases import BROWSER_HEADERS

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "wrk" / "load.lua"
WARM_UP_SECONDS = 0.4


def check_answer(case, port):
    """One request, to be sure that the right thing is measured. Raises RuntimeError if the answer is not the case's."""
    if case.datagrams:
        return check_datagram(case, port)
    if case.tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=ssl._create_unverified_context())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST" if case.post_size else "GET", case.path, body=b"x" * case.post_size or None)
        response = connection.getresponse()
        size = len(response.read())
    finally:
        connection.close()
    if (response.status, size) != (200, case.size):
        raise RuntimeError(f"{case.name}: got {response.status} with {size} bytes instead of 200 with {case.size}")


def check_datagram(case, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", port))
        client.send(b"x" * case.size)
        if len(client.recv(65536)) != case.size:
            raise RuntimeError(f"{case.name}: another datagram came back")


def datagrams_command(case, port, seconds, programs):
    return [str(programs / "datagrams"), "load", str(port), str(case.connections), str(seconds), str(case.size)]


def steady_command(case, port, seconds, programs):
    fields = [f"{name}: {value}" for name, value in BROWSER_HEADERS.items()]
    return [str(programs / "steady"), "127.0.0.1", str(port), case.path, str(case.connections), str(case.rate),
            str(seconds), *fields]


def wrk_command(case, port, seconds):
    headers = dict(BROWSER_HEADERS) | ({} if case.keep_alive else {"Connection": "close"})
    command = ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds}s", "--timeout", "5s", "-s", str(SCRIPT)]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    to_script = ["post", str(case.post_size)] if case.post_size else []
    return command + [f"{'https' if case.tls else 'http'}://127.0.0.1:{port}{case.path}", "--"] + to_script


def load_command(case, port, seconds, programs):
    if case.datagrams:
        return datagrams_command(case, port, seconds, programs)
    return steady_command(case, port, seconds, programs) if case.rate else wrk_command(case, port, seconds)


def shake_hands(case, port, seconds):
    """A connection for each request, by as many clients of openssl's at once: wrk resumes its sessions whenever it can, also
    where they were to be full. Returns what wrk would tell; openssl tells no latencies."""
    # Looking for who signed the certificate would take twice what the handshake does.
    command = pinned(["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-no-CAfile", "-no-CApath", "-no-CAstore",
                      "-reuse" if case.handshake == "resumed" else "-new", "-www", case.path, "-time", str(seconds)])
    start = time.monotonic()
    clients = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for _ in range(case.connections)]
    requests = 0
    for client in clients:
        output = client.communicate(timeout=seconds + 30)[0]
        count = re.search(r"(\d+) connections in \d+ real seconds", output)
        if client.returncode != 0 or not count:
            raise RuntimeError(f"openssl s_time failed: {output[-500:]}")
        requests += int(count.group(1))
    return {"requests": requests, "failed": 0, "duration_us": (time.monotonic() - start) * 1e6,
            "p50_us": 0, "p99_us": 0, "max_us": 0}


def run_load(case, port, seconds, programs):
    """The figures of one load. Raises RuntimeError if there are none."""
    if case.handshake:
        return shake_hands(case, port, seconds)
    command = pinned(load_command(case, port, seconds, programs))
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"{command[3]} failed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return json.loads(lines[0].removeprefix("RESULT "))


def pinned(command):
    return ["taskset", "-c", str(machine.LOAD_CPU), *command]


def warm_up(case, port, programs):
    """Fills pools and allocators with some unmeasured load, shorter than wrk's least."""
    if case.datagrams:
        subprocess.run(pinned(datagrams_command(case, port, WARM_UP_SECONDS, programs)), stdout=subprocess.DEVNULL, check=True)
        return
    with subprocess.Popen(pinned(wrk_command(case, port, 5)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as wrk:
        try:
            time.sleep(WARM_UP_SECONDS)
        finally:
            wrk.send_signal(signal.SIGINT)  # wrk then ends as if its time were up


def measure(case, port, proxy, origin, seconds, programs):
    """Loads `proxy` (a Child) for some seconds. `programs`: where steady and datagrams were built. Returns a dictionary of figures."""
    proxy_cpu, origin_cpu = proxy.cpu_seconds(), origin.cpu_seconds()
    proxy_core, load_core = machine.busy_seconds(machine.PROXY_CPU), machine.busy_seconds(machine.LOAD_CPU)
    packets = machine.loopback_packets()
    result = run_load(case, port, seconds, programs)
    packets = machine.loopback_packets() - packets
    proxy_cpu, origin_cpu = proxy.cpu_seconds() - proxy_cpu, origin.cpu_seconds() - origin_cpu
    proxy_core = machine.busy_seconds(machine.PROXY_CPU) - proxy_core
    load_core = machine.busy_seconds(machine.LOAD_CPU) - load_core

    wall = result["duration_us"] / 1e6
    if result["requests"] == 0:
        raise RuntimeError(f"no request was answered; proxy said: {proxy.tail()}")
    resident, proportional = proxy.memory_mib()
    return {
        "requests": result["requests"],
        "failed": result["failed"],
        "rate": case.rate,
        "requests_per_second": result["requests"] / wall,
        "cpu_us": proxy_cpu / result["requests"] * 1e6,
        "origin_cpu_us": origin_cpu / result["requests"] * 1e6,
        "packets": packets / result["requests"],  # of all: client, proxy and origin
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "max_us": result["max_us"],
        "rss_mib": resident,
        "pss_mib": proportional,
        "proxy_busy": min(1.0, proxy_cpu / wall),
        "foreign_busy": max(0.0, (proxy_core - proxy_cpu) / wall),  # others on the proxy's core
        "load_busy": min(1.0, load_core / wall),
    }
