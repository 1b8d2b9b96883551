"""The command line of bench/soak: a mixed load for long, and what becomes of the proxy's memory."""
import argparse
import pathlib
import time

from . import cases, load, machine
from .main import ROOT, run_in_folder
from .processes import Child, free_port
from .proxies import Program, build_origin

MIX = ["get128", "get128-512c", "get10k", "get1m", "post10k", "chunked10k", "conn-per-request"]
MOST_GROWTH = 1.05


def parse_arguments():
    parser = argparse.ArgumentParser(prog="bench/soak", description=f"One worker under {', '.join(MIX)} in turn.")
    parser.add_argument("--minutes", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--pause", type=float, default=0, metavar="SECONDS", help="between two loads of a second each")
    parser.add_argument("--weir", metavar="PATH", default=ROOT / "build" / "proxy" / "weir", help="the binary")
    arguments = parser.parse_args()
    if not 0 < arguments.minutes <= 24 * 60 or not 0 <= arguments.pause <= 600:
        parser.error("minutes must be above 0 and at most 1440, and the pause at most 600 s")
    return arguments


def one_turn(mix, running, origin, arguments, built):
    """Each load once. Returns (requests, failed)."""
    requests = failed = 0
    for case in mix:
        figures = load.measure(case, running.port, running.child, origin, 1, built)
        requests, failed = requests + figures["requests"], failed + figures["failed"]
        running.shorten_logs()
        time.sleep(arguments.pause)
    return requests, failed


def soak(arguments, folder):
    """Exit status: 0, or 1 if a request failed or memory grew after the first sixth of the time."""
    machine.install_missing()
    machine.enter_own_network()
    mix = cases.find_cases(MIX)
    backend_port = free_port()
    built = folder / "origin"
    origin = Child([str(build_origin(ROOT, built)), "0.0.0.0", str(backend_port)], {machine.LOAD_CPU},
                   folder / "origin.output", wait_for_port=backend_port)
    running = None
    samples, total, failed = [], 0, 0
    began = time.monotonic()
    try:
        weir = Program("weir", str(pathlib.Path(arguments.weir).resolve()), "nginx")
        running = weir.start(cases.find_cases(["access-log"])[0], folder / "weir", backend_port)
        while time.monotonic() - began < arguments.minutes * 60 or not samples:
            requests, bad = one_turn(mix, running, origin, arguments, built)
            total, failed = total + requests, failed + bad
            samples.append(running.child.memory_mib()[0])
            print(f"{(time.monotonic() - began) / 60:6.1f} min  {total:12,} requests  {failed} failed  "
                  f"resident {samples[-1]:.1f} MiB", flush=True)
    finally:
        if running:
            running.child.stop()
        origin.stop()
    early = max(samples[:max(1, len(samples) // 6)])
    late = max(samples[-max(1, len(samples) // 6):])
    print(f"{total:,} requests, {failed} failed; resident: most in the first sixth {early:.1f} MiB, in the last {late:.1f} MiB, "
          f"ever {max(samples):.1f} MiB")
    return 1 if failed or late > early * MOST_GROWTH else 0


def main():
    arguments = parse_arguments()
    return run_in_folder("bench/soak", lambda folder: soak(arguments, folder))
