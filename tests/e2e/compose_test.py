#!/usr/bin/env python3
"""The testbed in containers: docker-compose.yml of this repository, on a Docker engine that is started where none runs.

Where no engine can be had, it says so and does the same with processes on the loopback interface.
SEMLINK_TEST_IMAGE names an image that is there, instead of one built from deploy/Dockerfile.
"""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import support
from support import ROOT, SMALL, SemlinkTest, query, read_json, read_lines, wait_until

ENGINE = ROOT / "scripts" / "docker_engine.sh"
LEARNS = (ROOT / "configs" / "testbed.yaml").read_text().replace("windows: 2000", "windows: 1500")
# What it must reach although a link was cut, a node was away, and another was started again.
ACCURACY = {"parity": 0.93, "ring": 0.93, "digit": 0.90}
NODES = ["coordinator"] + [f"{role}{n}" for role in ("transmitter", "receiver") for n in (1, 2, 3)]


def loudly(*lines):
    print("\n" + "\n".join(f"!!! {line}" for line in lines), file=sys.stderr, flush=True)


class Engine:
    """A Docker engine, ended at the end if it was started here."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="semlink-docker-"))
        started = subprocess.run([ENGINE, "start", self.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.reason = started.stderr.strip()
        self.up = started.returncode == 0
        self.environment = dict(os.environ, DOCKER_HOST=started.stdout.strip(), DOCKER_BUILDKIT="0")
        self.compose = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
        self.image = os.environ.get("SEMLINK_TEST_IMAGE", "")

    def stop(self):
        subprocess.run([ENGINE, "stop", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command, check=True, patience=600, **environment):
        result = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                cwd=ROOT, env=dict(self.environment, **environment), timeout=patience)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: code {result.returncode}\n{result.stdout[-6000:]}")
        return result.stdout

    def build(self):
        """Seconds that it took."""
        began = time.monotonic()
        self.image = "semlink:e2e"
        self.run("docker", "build", "-f", "deploy/Dockerfile", "-t", self.image, ".", patience=3000)
        return time.monotonic() - began


class Containers:
    """One scenario, brought up with the repository's compose file."""

    def __init__(self, engine, scenario_path):
        self.engine = engine
        self.project = f"semlink{os.getpid()}{scenario_path.stem}".replace("_", "")
        self.ids = {}
        self.environment = {"SEMLINK_SCENARIO": str(scenario_path), "SEMLINK_IMAGE": engine.image}

    def compose(self, *arguments, check=True):
        return self.engine.run(*self.engine.compose, "-p", self.project, *arguments, check=check, **self.environment)

    def up(self):
        self.compose("up", "-d")

    def semlink(self, *arguments, check=True):
        return self.compose("exec", "-T", "coordinator", "semlink", *arguments, check=check)

    def container(self, service):
        """Its id: it keeps it over restarts."""
        if service not in self.ids:
            self.ids[service] = self.compose("ps", "-q", service).strip()
        return self.ids[service]

    def state(self, service):
        return json.loads(self.engine.run("docker", "inspect", "-f", "{{json .State}}", self.container(service)))

    def restarts(self, service):
        return int(self.engine.run("docker", "inspect", "-f", "{{.RestartCount}}", self.container(service)))

    def copy_run(self, to):
        """The newest run's folder, also of containers that have ended."""
        home = to / "home"
        shutil.rmtree(home, ignore_errors=True)
        self.engine.run("docker", "cp", f"{self.container('coordinator')}:/var/lib/semlink/runs", home)
        return (home / "latest").resolve()

    def networks(self):
        return {name: f"{self.project}_{name}" for name in ("control", "data")}

    def disconnect(self, service):
        for network in self.networks().values():
            self.engine.run("docker", "network", "disconnect", network, self.container(service))

    def reconnect(self, service):
        for name, network in self.networks().items():
            alias = f"{service}.data" if name == "data" else service
            self.engine.run("docker", "network", "connect", "--alias", alias, network, self.container(service))

    def ended(self):
        return all(self.state(service)["Status"] == "exited" for service in NODES)

    def down(self):
        self.compose("down", "-v", "--timeout", "5")

    def left(self):
        """What of the project is still there."""
        of_it = f"label=com.docker.compose.project={self.project}"
        return (self.engine.run("docker", "ps", "-aq", "--filter", of_it)
                + self.engine.run("docker", "network", "ls", "-q", "--filter", of_it)
                + self.engine.run("docker", "volume", "ls", "-q", "--filter", of_it)).split()


class Processes:
    """The same on the loopback interface, where there is no engine."""

    def __init__(self, test, scenario_path):
        self.run_folder = test.folder / "run"
        self.process = test.start("semlink", "run", scenario_path, "--out", self.run_folder,
                                  error_file=test.folder / "stderr")
        self.cut_off = None

    def up(self):
        wait_until(lambda: (self.run_folder / "coordinator.port").exists(), "a port of the coordinator")

    def semlink(self, command, *arguments, check=True):
        target = ["--run", self.run_folder] if command == "fault" else []
        where = [str(self.run_folder) if a == "runs/latest" else a for a in arguments]
        result = support.run("semlink", command, *(where or [self.run_folder]), *target)
        if check and result.returncode != 0:
            raise AssertionError(f"semlink {command}: {result.stdout}{result.stderr}")
        return result.stdout

    def copy_run(self, to):
        return self.run_folder

    def restarts(self, service):
        joined = [e for e in read_lines(self.run_folder / "events.jsonl")
                  if e["event"] == "node_joined" and e["node"] == service]
        return len({e["pid"] for e in joined}) - 1

    def disconnect(self, service):
        self.cut_off = json.loads(self.semlink("fault", "add", "cut", service, "--format=json"))["id"]

    def reconnect(self, service):
        self.semlink("fault", "clear", str(self.cut_off))

    def ended(self):
        return self.process.poll() is not None

    def down(self):
        support.kill(self.process)

    def left(self):
        return []


class ComposeTest(SemlinkTest):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine()
        cls.addClassCleanup(cls.engine.stop)
        if not cls.engine.up:
            loudly("NO CONTAINERS ARE TESTED: " + cls.engine.reason, "the same scenario runs on the loopback interface instead")
        elif not cls.engine.image:
            print(f"\nthe image was built in {cls.engine.build():.0f} s", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def running(self, path):
        testbed = Containers(self.engine, path) if self.engine.up else Processes(self, path)
        try:
            testbed.up()
            yield testbed
        except BaseException:
            if self.engine.up:
                print(testbed.compose("logs", "--no-color", "--tail", "15", check=False), file=sys.stderr)
            raise
        finally:
            testbed.down()
            self.assertEqual(testbed.left(), [], "left after `docker compose down -v`")

    def events(self, testbed):
        return read_lines(testbed.copy_run(self.folder) / "events.jsonl")

    def windows(self, testbed):
        status = testbed.semlink("status", *([] if self.engine.up else ["runs/latest"]), "--format=json", check=False)
        try:
            return json.loads(status[status.index("{"):])["window"]
        except ValueError:
            return 0  # it does not answer yet

    def wait_for_window(self, testbed, window, seconds=900):
        deadline = time.monotonic() + seconds
        while self.windows(testbed) < window:
            self.assertLess(time.monotonic(), deadline, f"window {window} was not committed within {seconds} s")
            time.sleep(1)

    def wait_for_event(self, testbed, event, **fields):
        """The last such event, once there is one."""
        def find():
            found = [e for e in self.events(testbed) if e["event"] == event and
                     all(e.get(key) == value for key, value in fields.items())]
            return found[-1:] or (time.sleep(1), None)[1]
        return wait_until(find, f"{event} {fields}")[0]

    def wait_for_end(self, testbed, seconds=900):
        deadline = time.monotonic() + seconds
        while not testbed.ended():
            self.assertLess(time.monotonic(), deadline, f"the run did not end within {seconds} s")
            time.sleep(1)

    def test_learns_although_links_and_nodes_fail(self):
        path = self.write("learns.yaml", LEARNS)
        with self.running(path) as testbed:
            self.wait_for_window(testbed, 20)
            self.cut_a_link(testbed)
            self.stop_and_start_nodes(testbed)
            self.cut_off_a_node(testbed)
            self.wait_for_end(testbed)
            run = testbed.copy_run(self.folder)
            if self.engine.up:
                self.check_containers(testbed)
        summary = read_json(run / "summary.json")
        self.assertEqual(summary["windows"], 1500)
        for accuracy, (task, least) in zip(summary["accuracy"], ACCURACY.items()):
            self.assertGreaterEqual(accuracy, least, task)

    def cut_a_link(self, testbed):
        testbed.semlink("fault", "add", "cut", "transmitter3:receiver2", "--for", "15s")
        self.wait_for_event(testbed, "pair_down", transmitter="transmitter3", receiver="receiver2")
        before = self.windows(testbed)
        self.wait_for_window(testbed, before + 3)  # the run goes on without that link
        failures = query(testbed.copy_run(self.folder), "SELECT DISTINCT transmitter, receiver FROM pair_failure")
        self.assertEqual(failures, [(3, 2)])
        # Which message is missing depends on the moment of the cut.
        self.assertRegex(testbed.semlink("ledger", "runs/latest", "failures"), r"pair +3 +2 +(request|features|gradients)")
        self.wait_for_event(testbed, "pair_up", transmitter="transmitter3", receiver="receiver2")

    def stop_and_start_nodes(self, testbed):
        """What a process does to itself: in a container it can't if it is number 1."""
        testbed.semlink("fault", "add", "pause", "receiver1", "--for", "2s")
        testbed.semlink("fault", "add", "restart", "transmitter2")
        wait_until(lambda: testbed.restarts("transmitter2") >= 1 or time.sleep(1), "transmitter2 was started again")
        self.wait_for_window(testbed, self.windows(testbed) + 3)

    def cut_off_a_node(self, testbed):
        testbed.disconnect("transmitter1")
        self.wait_for_event(testbed, "node_lost", node="transmitter1")
        self.wait_for_window(testbed, self.windows(testbed) + 3)
        lost = len(self.events(testbed))
        testbed.reconnect("transmitter1")
        for event, key in (("node_joined", "node"), ("pair_up", "transmitter")):
            wait_until(lambda: any(e["event"] == event and e[key] == "transmitter1"
                                   for e in self.events(testbed)[lost:]) or time.sleep(1),
                       f"{event} of transmitter1 after it was away")

    def check_containers(self, testbed):
        for service in NODES:
            self.assertEqual(testbed.state(service)["ExitCode"], 0, service)
        log = testbed.compose("logs", "--no-color", "coordinator")
        self.assert_says(log, "training: window", "finished", "receiver3, digit: accuracy", "limits exceeded 0 times")
        self.check_isolation(testbed)

    def check_isolation(self, testbed):
        """Nobody is root or has another's key; the coordinator is not on the data network."""
        users = {service: self.engine.run("docker", "inspect", "-f", "{{.Config.User}}", testbed.container(service)).strip()
                 for service in NODES}
        for user in sorted(set(users.values())):
            number = self.engine.run("docker", "run", "--rm", "--user", user or "0", self.engine.image, "id", "-u").strip()
            self.assertEqual(number, "10001", users)
        keys = self.engine.run("docker", "run", "--rm", "-v", f"{testbed.project}_receiver2:/v:ro", self.engine.image,
                               "ls", "/v/certs").split()
        self.assertEqual(keys, ["ca.pem", "receiver2.key", "receiver2.pem"])
        networks = json.loads(self.engine.run("docker", "inspect", "-f", "{{json .NetworkSettings.Networks}}",
                                              testbed.container("coordinator")))
        self.assertEqual(list(networks), [testbed.networks()["control"]])

    def test_gives_the_parameters_of_one_process(self):
        path = self.write("same.yaml", SMALL.replace("name: small", "name: same").replace("windows: 50,", "windows: 20,"))
        with self.running(path) as testbed:
            self.wait_for_end(testbed)
            summary = read_json(testbed.copy_run(self.folder) / "summary.json")
        run = ["run", "scenario.yaml", "--out", "out", "--transport=inproc", "--format=json"]
        if self.engine.up:
            printed = self.engine.run("docker", "run", "--rm", "-v", f"{path}:/var/lib/semlink/scenario.yaml:ro",
                                      self.engine.image, "semlink", *run)
            printed = printed[printed.index("\n{") if not printed.startswith("{") else 0:]
        else:
            printed = support.run("semlink", "run", path, "--out", self.folder / "inproc", *run[4:]).stdout
        alone = json.loads(printed)
        self.assertEqual(summary["windows"], 20)
        self.assertEqual(summary["parameters_sha256"], alone["parameters_sha256"])


if __name__ == "__main__":
    unittest.main()
