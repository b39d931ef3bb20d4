#!/usr/bin/env python3
"""How soon a run goes on after a process was killed, and what watching over it costs.

Kills each node in turn and then the coordinator (SIGKILL), lets `semlink run` start it again, and
prints the seconds from the start of the new process until the node is up in a view (limit 5 s), or
until the next window is committed (coordinator, limit 10 s). Then lets all nodes but one wait for
the last one, and prints the CPU that heartbeats and ticks take of the two cores (limit 2 %).
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
IDLE_SECONDS = 10


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


def node_of(answer, name):
    return next(node for node in answer["nodes"] if node["node"] == name)


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
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value is not None:
            return value
        if process.poll() is not None:
            runs.finish(process)
            raise SystemExit(f"the run ended while waiting for {what}")
        time.sleep(0.02)
    raise SystemExit(f"waited {seconds} s in vain for {what}")


def node_comes_back(options, process, folder, name):
    pid = node_of(wait_for(lambda: status(options, folder), process, "the coordinator"), name)["pid"]
    os.kill(pid, signal.SIGKILL)

    def back():
        answer = status(options, folder)
        node = node_of(answer, name) if answer else None
        return age(node["pid"]) if node and node["up"] and node["pid"] != pid else None

    return wait_for(back, process, name)


def coordinator_comes_back(process, folder):
    pid = pid_of_coordinator(process.pid)
    os.kill(pid, signal.SIGKILL)

    def restarted():
        again = pid_of_coordinator(process.pid)
        return again if again is not None and again != pid else None

    again = wait_for(restarted, process, "the coordinator")
    before = runs.committed_windows(folder)
    return wait_for(lambda: age(again) if runs.committed_windows(folder) > before else None, process,
                    "a committed window")


def recovery(options, folder):
    settings = options.set + ["training.windows=100000"]
    process = runs.start(["run", options.scenario, "--out", folder], options.bin, settings)
    try:
        runs.wait_for_windows(process, folder, 60)
        nodes = [node["node"] for node in status(options, folder)["nodes"]]
        print("seconds from the start of the new process until it takes part")
        for name in nodes:
            seconds = node_comes_back(options, process, folder, name)
            print(f"  {name:14} {seconds:6.2f}   limit {NODE_LIMIT}: "
                  f"{runs.verdict(seconds <= NODE_LIMIT)}", flush=True)
            runs.wait_for_windows(process, folder, runs.committed_windows(folder) + 5)
        seconds = coordinator_comes_back(process, folder)
        print(f"  {'coordinator':14} {seconds:6.2f}   limit {COORDINATOR_LIMIT}, to the next committed "
              f"window: {runs.verdict(seconds <= COORDINATOR_LIMIT)}")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def idle_cpu(options, folder):
    """CPU seconds per second of a coordinator and all nodes but the last, which wait for it."""
    resolved = subprocess.run([options.bin / "semlink", "validate", options.scenario, "--resolved"],
                              capture_output=True, text=True, check=True).stdout
    scenario = folder / "idle.yaml"
    scenario.write_text(resolved)
    port_file = folder / "port"
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    processes = [subprocess.Popen([options.bin / "semlink-coordinator", "--scenario", scenario, "--out",
                                   folder / "idle", "--listen=127.0.0.1:0", "--port-file", port_file,
                                   "--insecure"], **quiet)]
    try:
        while not port_file.exists():
            time.sleep(0.05)
        address = f"127.0.0.1:{port_file.read_text().strip()}"
        for program, count in (("semlink-transmitter", 3), ("semlink-receiver", 2)):
            for index in range(1, count + 1):
                processes.append(subprocess.Popen([options.bin / program, f"--coordinator={address}",
                                                   f"--index={index}", "--insecure"], **quiet))
        time.sleep(20)  # loading
        pids = [process.pid for process in processes]
        before = runs.cpu_seconds(pids)
        time.sleep(IDLE_SECONDS)
        return (runs.cpu_seconds(pids) - before) / IDLE_SECONDS
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="semlink-recovery-") as folder:
        recovery(options, pathlib.Path(folder) / "run")
        share = idle_cpu(options, pathlib.Path(folder)) / os.cpu_count()
    print(f"heartbeats and ticks of a coordinator and 5 nodes: {100 * share:.2f} % of {os.cpu_count()} "
          f"cores; limit {100 * CPU_LIMIT:.0f} %: {runs.verdict(share <= CPU_LIMIT)}")


if __name__ == "__main__":
    main()
