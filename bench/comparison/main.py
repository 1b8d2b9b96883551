"""The command line of bench/compare, and the order of a comparison."""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import signal
import sys
import tempfile
import time

from . import cases, load, machine, report
from .processes import Child, free_port
from .proxies import Program, build_origin

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse_arguments():
    names = [case.name for case in cases.CASES]
    parser = argparse.ArgumentParser(prog="bench/compare",
                                     description="Weir beside nginx and HAProxy on the same work.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(names) + "; without any: those of plain HTTP")
    parser.add_argument("--all", action="store_true", help="every case: about three minutes")
    parser.add_argument("--quick", action="store_true",
                        help=f"two rounds of {', '.join(cases.QUICK)}, unless said otherwise: about half a minute")
    parser.add_argument("--rounds", type=int, help="measured runs of each proxy in each case (default 3)")
    parser.add_argument("--seconds", type=int, default=1, help="length of a run (default 1)")
    parser.add_argument("--weir", metavar="PATH", help="the binary (default: build/proxy/weir or build/weir)")
    parser.add_argument("--proxies", metavar="LIST",
                        help="comma-separated; the first is what the ratios are about (default: weir,nginx,haproxy; "
                             "also haproxy-copying, without splice, floor, a bare relay of bytes, and weir-2 and "
                             "nginx-2, with two workers on both CPUs)")
    parser.add_argument("--aa", action="store_true",
                        help="add nginx a second time: shows what the method itself gets wrong")
    parser.add_argument("--json", metavar="FILE",
                        help="write everything measured, round by round, and the configurations")
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there too")
    parser.add_argument("--work", metavar="DIR", help="keep configurations and logs in a new folder there")
    arguments = parser.parse_args()
    try:
        arguments.cases = cases.find_cases(arguments.cases or cases.usual(arguments.quick, arguments.all))
    except ValueError as error:
        parser.error(str(error))
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 3)
    if not 1 <= arguments.rounds <= 1000 or not 1 <= arguments.seconds <= 600:
        parser.error("rounds must be 1 to 1000 and seconds 1 to 600")
    return arguments


def find_programs(arguments, built):
    candidates = [arguments.weir] if arguments.weir else [ROOT / "build" / "proxy" / "weir", ROOT / "build" / "weir"]
    weir = next((str(pathlib.Path(path).resolve()) for path in candidates if pathlib.Path(path).is_file()), None)
    path = os.environ["PATH"] + ":/usr/sbin"
    haproxy = shutil.which("haproxy", path=path)
    known = {"weir": (weir, "nginx"), "nginx": (shutil.which("nginx", path=path), "nginx"),
             "haproxy": (haproxy, "haproxy"), "haproxy-copying": (haproxy, "haproxy"),
             "floor": (str(built / "floor"), "floor")}
    known |= {f"{name}-2": (*known[name], 2) for name in ("weir", "nginx")}
    names = arguments.proxies.split(",") if arguments.proxies else ["weir", "nginx", "haproxy"]
    if weir is None and {"weir", "weir-2"} & set(names):
        if arguments.weir or arguments.proxies:
            raise RuntimeError("no weir binary; build it or say --weir PATH")
        print("There is no weir binary yet (see --weir); comparing the others.\n")
        names = [name for name in names if not name.startswith("weir")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RuntimeError(f"unknown proxy {unknown[0]!r}; there are: {', '.join(known)}")
    programs = [Program(name, *known[name]) for name in names]
    if arguments.aa:
        programs.append(Program("nginx-again", *known["nginx"]))
    return programs


def run_case(case, programs, arguments, origin, backend_port, folder, configurations):
    """All rounds of one case. Returns the summary of each proxy."""
    running = []
    rounds = {program.name: [] for program in programs}
    try:
        for program in programs:
            if not program.can_do(case):
                del rounds[program.name]
                continue
            one = program.start(case, folder / case.name / program.name, backend_port)
            running.append(one)
            configurations.setdefault(program.name, {})[case.name] = (one.folder / "proxy.conf").read_text()
            load.check_answer(case, one.port)
            load.warm_up(case, one.port, folder / "origin")
        for number in range(arguments.rounds):
            turn = number % len(running)  # nobody always follows the same neighbour
            for one in running[turn:] + running[:turn]:
                rounds[one.program.name].append(load.measure(case, one.port, one.child, origin, arguments.seconds, folder / "origin"))
                one.shorten_logs()
    finally:
        for one in running:
            one.child.stop()
    return {name: report.summarize(figures) for name, figures in rounds.items()}


def describe(programs, arguments, network, awake):
    return {
        "command": "bench/compare " + shlex.join(sys.argv[1:]),
        "commit": machine.commit(ROOT),
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "machine": f"{machine.cpu_model()}, {os.cpu_count()} CPUs, Linux {os.uname().release}",
        "placement": f"proxy alone on CPU {machine.PROXY_CPU}, wrk and origin on CPU {machine.LOAD_CPU}; {network}; "
                     + ("CPUs held awake" if awake else "CPUs may sleep (/dev/cpu_dma_latency not available)"),
        "rounds": f"{arguments.rounds} x {arguments.seconds} s each, alternating",
        "programs": {program.name: program.version() for program in programs},
    }


def print_and_save(about, results, configurations, programs, arguments):
    text = "".join(f"- {key}: {value}\n" for key, value in about.items() if key != "programs")
    text += "".join(f"- {name}: {version}\n" for name, version in about["programs"].items())
    text += "\n" + report.figures_table(results) + "\n"
    if len(programs) > 1:
        text += report.ratio_table(results, programs[0].name) + "\n"
    text += "".join(f"- {remark}\n" for remark in report.remarks(results))
    first = next(iter(results))
    for name, by_case in configurations.items():
        if name in ("weir", "haproxy") or name == "nginx" and "weir" not in configurations:
            text += f"\nConfiguration of {name}, {first}:\n\n```\n{by_case[first]}```\n"
    print(text)
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(text)
    if arguments.json:
        subject = programs[0].name
        ratios = {case: {name: report.ratios(proxies[subject], figures)
                         for name, figures in proxies.items() if name != subject}
                  for case, proxies in results.items()}
        everything = {"about": about, "results": results, "subject": subject, "ratios": ratios,
                      "configurations": configurations}
        pathlib.Path(arguments.json).write_text(json.dumps(everything, indent=1))


def compare(arguments, folder):
    machine.install_missing()
    programs = find_programs(arguments, folder / "origin")
    if (os.cpu_count() or 1) < 2:
        raise RuntimeError("needs two CPUs: one for the proxy and one for its load")
    network = machine.enter_own_network()
    awake = machine.hold_cpus_awake()
    about = describe(programs, arguments, network, awake)

    backend_port = free_port()
    origin = Child([str(build_origin(ROOT, folder / "origin")), "0.0.0.0", str(backend_port)], {machine.LOAD_CPU},
                   folder / "origin.output", wait_for_port=backend_port)
    echo = Child([str(folder / "origin" / "datagrams"), "echo", "127.1.0.1", str(backend_port)], {machine.LOAD_CPU}, folder / "echo.output")
    results, configurations = {}, {}
    try:
        for case in arguments.cases:
            print(f"{case.name}: {case.what}", file=sys.stderr, flush=True)
            results[case.name] = run_case(case, programs, arguments, echo if case.datagrams else origin, backend_port, folder,
                                          configurations)
    finally:
        echo.stop()
        origin.stop()
        if results:
            print_and_save(about, results, configurations, programs, arguments)
    return 1 if any(f["failed"] for proxies in results.values() for f in proxies.values()) else 0


def run_in_folder(name, run, work=None):
    """Calls `run` with a new folder, which stays if it is in `work`. Returns the exit status; errors are told in the name of `name`."""
    def end(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts background commands with it ignored
    if work:
        pathlib.Path(work).mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench-", dir=work))
    try:
        return run(folder)
    except (RuntimeError, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    finally:
        if not work:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    arguments = parse_arguments()
    return run_in_folder("bench/compare", lambda folder: compare(arguments, folder), arguments.work)
