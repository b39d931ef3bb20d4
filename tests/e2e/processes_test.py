#!/usr/bin/env python3
"""How runs and daemons end: Ctrl-C, SIGTERM, a killed node, an absent coordinator."""

import os
import signal
import time
import unittest

import support


class EndingTest(support.SemlinkTest):
    def start_long_run(self, *arguments):
        """A run over gRPC that is training and would go on for very long."""
        scenario = self.write("small.yaml", support.SMALL)
        self.out = self.folder / "run"
        process = self.start_run(self.out, scenario, "--out", self.out, "--transport=grpc", "--set",
                                 "training.windows=1000000", *arguments)
        self.nodes = support.children_of(process.pid)
        self.assertEqual(len(self.nodes), 7)
        # Whatever happens, nothing stays behind.
        self.addCleanup(self.kill_nodes)
        return process

    def kill_nodes(self):
        for pid in self.nodes:
            if support.is_running(pid):
                os.kill(pid, signal.SIGKILL)

    def errors(self):
        return self.said(self.out)

    def wait(self, process, seconds):
        began = time.monotonic()
        code = process.wait(timeout=support.PATIENCE)
        self.assertLess(time.monotonic() - began, seconds)
        self.assertEqual([pid for pid in self.nodes if support.is_running(pid)], [])
        return code

    def assert_failed_run_is_recorded(self, *parts):
        self.assertFalse((self.out / "summary.json").exists())
        state, reason = support.query(self.out, "SELECT state, reason FROM run")[0]
        self.assertEqual(state, "failed")
        self.assert_says(reason, *parts)

    def test_interrupt_ends_all_nodes(self):
        process = self.start_long_run()
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.wait(process, 10), 130, self.errors())
        self.assert_says(self.errors(), "interrupted")
        self.assert_failed_run_is_recorded("interrupt")

    def test_ctrl_c_in_a_terminal_reaches_the_whole_group(self):
        process = self.start_long_run()
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(self.wait(process, 10), 130, self.errors())

    def test_sigterm_ends_all_nodes(self):
        process = self.start_long_run()
        process.send_signal(signal.SIGTERM)
        self.assertIn(self.wait(process, 10), (130, 143), self.errors())

    def test_interrupt_in_process(self):
        scenario = self.write("small.yaml", support.SMALL)
        out = self.folder / "run"
        process = self.start_run(out, scenario, "--out", out, "--transport=inproc", "--set",
                                 "training.windows=1000000", windows=1)
        self.nodes = support.children_of(process.pid)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.wait(process, 10), 130)

    def assert_goes_on(self, process):
        before = support.windows_of(self.out)
        support.wait_until(lambda: support.windows_of(self.out) >= before + 3
                           or process.poll() is not None, "three more windows")
        self.assertIsNone(process.poll(), self.errors())
        self.nodes = support.children_of(process.pid)
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.wait(process, 15), 130, self.errors())
        self.assert_says(self.errors(), "semlink run --resume")

    def test_killed_nodes_are_started_again(self):
        process = self.start_long_run()
        for node in ("transmitter2", "receiver3"):
            os.kill(support.node_pids(self.out)[node], signal.SIGKILL)
            support.wait_until(lambda: support.joined(self.out, node) == 2, f"the return of {node}")
            self.assert_says(self.errors(), f"{node} was ended by signal 9")
        self.assert_goes_on(process)

    def test_a_terminated_receiver_is_left_alone(self):
        process = self.start_long_run()
        os.kill(support.node_pids(self.out)["receiver1"], signal.SIGTERM)
        support.wait_until(lambda: support.events_of(self.out, "node_lost"), "the loss")
        self.assert_goes_on(process)
        self.assertEqual(support.joined(self.out, "receiver1"), 1)

    def test_a_killed_coordinator_is_started_again(self):
        process = self.start_long_run()
        self.kill_coordinator()
        support.wait_until(lambda: support.joined(self.out, "receiver3") == 2, "the nodes' return")
        self.assert_says(self.errors(), "coordinator was ended by signal 9")
        self.assert_goes_on(process)

    def kill_coordinator(self):
        coordinator = (set(self.nodes) - set(support.node_pids(self.out).values())).pop()
        os.kill(coordinator, signal.SIGKILL)

    def test_nobody_is_started_again_if_asked(self):
        process = self.start_long_run("--max-restarts=0")
        os.kill(support.node_pids(self.out)["transmitter2"], signal.SIGKILL)
        self.assertEqual(self.wait(process, 30), 1, self.errors())
        self.assert_says(self.errors(), "transmitter2 was ended by signal 9",
                         f"semlink run --resume {self.out}")

    def test_a_coordinator_is_not_started_again_if_asked(self):
        process = self.start_long_run("--max-restarts=0")
        self.kill_coordinator()
        self.assertEqual(self.wait(process, 30), 1, self.errors())
        self.assert_says(self.errors(), "coordinator was ended by signal 9")


class AbsentCoordinatorTest(support.SemlinkTest):
    def test_a_daemon_waits_says_so_and_ends_on_sigterm(self):
        for program in ("semlink-transmitter", "semlink-receiver"):
            with self.subTest(program):
                log = self.folder / f"{program}.log"
                process = self.start(program, "--coordinator=127.0.0.1:1", "--index=1",
                                     "--insecure", error_file=log)
                support.wait_until(lambda: "127.0.0.1:1" in log.read_text()
                                   or process.poll() is not None, "a word about the coordinator")
                time.sleep(1)
                self.assertIsNone(process.poll(), log.read_text())
                process.terminate()
                began = time.monotonic()
                self.assertEqual(process.wait(timeout=support.PATIENCE), 0, log.read_text())
                self.assertLess(time.monotonic() - began, 5)

    def test_a_daemon_that_need_not_wait_for_ever_gives_up(self):
        result = self.run_program("semlink-receiver", "--coordinator=127.0.0.1:1", "--index=1",
                                  "--wait=1", "--insecure")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assert_says(result.stderr, "127.0.0.1:1")

    def test_a_coordinator_without_nodes_ends_on_sigterm(self):
        scenario = self.write("small.yaml", support.SMALL)
        process, _, log = self.start_coordinator(scenario, "--insecure")
        support.wait_until(lambda: "transmitter1" in log.read_text(), "whom it waits for")
        process.terminate()
        began = time.monotonic()
        process.wait(timeout=support.PATIENCE)
        self.assertLess(time.monotonic() - began, 5)
        self.assertGreaterEqual(process.returncode, 0, log.read_text())


if __name__ == "__main__":
    unittest.main()
