#!/usr/bin/env python3
"""How soon a run goes on after a process was killed, and what watching over it costs.

Kills each node in turn and then the coordinator (SIGKILL), lets `semlink run` start it again, and
prints the seconds from the start of the new process until the node is up in a view (limit 5 s), or
until the next window is committed (coordinator, limit 10 s). Then lets all nodes but one wait for
the last one, and prints the CPU that heartbeats and ticks take of all cores (limit 2 %). Faults of
the scenario are left out.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import daemon_runs as runs

NODE_LIMIT = 5
COORDINATOR_LIMIT = 10
CPU_LIMIT = 0.02
LOAD_SECONDS = 20  # for the data and networks of nodes that wait
IDLE_SECONDS = 10
NO_FAULTS = "faults=[]"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    runs.add_arguments(parser)
    return parser.parse_args()


def status(options, folder):
    """What `semlink status` says, or None while nobody answers."""
    result = subprocess.run([options.bin / "semlink", "status", folder, "--format=json"],
                            capture_output=True, text=True)
    return json.loads(result.stdout) if result.returncode == 0 else None


def process_of(answer, name):
    """Id of a node's process, or None while it is not up: then there is none that could be killed."""
    if answer is None:
        return None
    node = next(node for node in answer["nodes"] if node["node"] == name)
    return node["pid"] if node["up"] and node["pid"] > 0 else None


def age(pid):
    """Seconds since the process was started."""
    started = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    return float(pathlib.Path("/proc/uptime").read_text().split()[0]) - started / runs.TICKS


def pid_of_coordinator(parent):
    for pid in runs.nodes_of(parent):
        try:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text()
        except OSError:
            continue
        if name.startswith("semlink-coord"):
            return pid
    return None


def wait_for(condition, process, what, seconds=120):
    """The first value of condition() that is not None; ends the benchmark if there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value is not None:
            return value
        if process.poll() is not None:
            runs.finish(process)
            raise SystemExit(f"{process.args[0]} ended while waiting for {what}")
        time.sleep(0.02)
    raise SystemExit(f"waited {seconds} s in vain for {what}")


def node_comes_back(options, process, folder, name):
    pid = wait_for(lambda: process_of(status(options, folder), name), process, name)
    os.kill(pid, signal.SIGKILL)

    def back():
        again = process_of(status(options, folder), name)
        return age(again) if again not in (None, pid) else None

    return wait_for(back, process, f"the return of {name}")


def coordinator_comes_back(process, folder):
    pid = wait_for(lambda: pid_of_coordinator(process.pid), process, "the coordinator")
    os.kill(pid, signal.SIGKILL)

    def restarted():
        again = pid_of_coordinator(process.pid)
        return again if again != pid else None

    again = wait_for(restarted, process, "the return of the coordinator")
    before = runs.committed_windows(folder)
    return wait_for(lambda: age(again) if runs.committed_windows(folder) > before else None, process,
                    "a committed window")


def recovery(options, folder):
    settings = options.set + [NO_FAULTS, "training.windows=100000"]
    process = runs.start(["run", options.scenario, "--out", folder], options.bin, settings)
    try:
        runs.wait_for_windows(process, folder, 60)
        answer = wait_for(lambda: status(options, folder), process, "the coordinator")
        print("seconds from the start of the new process until it takes part")
        for name in [node["node"] for node in answer["nodes"]]:
            seconds = node_comes_back(options, process, folder, name)
            print(f"  {name:14} {seconds:6.2f}   limit {NODE_LIMIT}: "
                  f"{runs.verdict(seconds <= NODE_LIMIT)}", flush=True)
            runs.wait_for_windows(process, folder, runs.committed_windows(folder) + 5)
        seconds = coordinator_comes_back(process, folder)
        print(f"  {'coordinator':14} {seconds:6.2f}   limit {COORDINATOR_LIMIT}, to the next committed "
              f"window: {runs.verdict(seconds <= COORDINATOR_LIMIT)}")
    finally:
        runs.interrupt(process)


def start_daemon(options, program, *arguments):
    return runs.start_program(options.bin / f"semlink-{program}", [*arguments, "--insecure"])


def end_daemons(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def check_alive(processes):
    for process in processes:
        if process.poll() is not None:
            runs.finish(process)
            raise SystemExit(f"{process.args[0]} ended, but should wait for the last node")


def idle_cpu(options, folder):
    """CPU seconds per second of a coordinator and all nodes but the last, which they wait for; and
    the number of nodes."""
    settled = runs.resolved_scenario(options, [NO_FAULTS])
    scenario = folder / "idle.yaml"
    scenario.write_text(settled["resolved"])
    port_file = folder / "port"
    nodes = [("transmitter", k + 1) for k in range(settled["transmitters"])]
    nodes += [("receiver", t + 1) for t in range(settled["receivers"])]
    processes = [start_daemon(options, "coordinator", "--scenario", scenario, "--out",
                              folder / "idle", "--listen=127.0.0.1:0", "--port-file", port_file)]
    try:
        port = wait_for(lambda: port_file.read_text().strip() if port_file.exists() else None,
                        processes[0], "the coordinator's port")
        for role, index in nodes[:-1]:
            processes.append(start_daemon(options, role, f"--coordinator=127.0.0.1:{port}",
                                          f"--index={index}"))
        time.sleep(LOAD_SECONDS)
        check_alive(processes)
        pids = [process.pid for process in processes]
        before = runs.cpu_seconds(pids)
        time.sleep(IDLE_SECONDS)
        used = runs.cpu_seconds(pids) - before
        check_alive(processes)
        return used / IDLE_SECONDS, len(nodes) - 1
    finally:
        end_daemons(processes)


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="semlink-recovery-") as folder:
        recovery(options, pathlib.Path(folder) / "run")
        used, nodes = idle_cpu(options, pathlib.Path(folder))
    share = used / os.cpu_count()
    print(f"heartbeats and ticks of a coordinator and {nodes} nodes: {100 * share:.2f} % of "
          f"{os.cpu_count()} cores; limit {100 * CPU_LIMIT:.0f} %: "
          f"{runs.verdict(share <= CPU_LIMIT)}")


if __name__ == "__main__":
    main()
