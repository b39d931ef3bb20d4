#!/usr/bin/env python3
"""Who gets into a run with TLS: the nodes of the scenario, each as itself, and nobody else."""

import json
import os
import stat
import subprocess
import time
import unittest

import support

TLS_RUN = support.SMALL.replace("windows: 50", "windows: 12")


def make_certificates(folder, scenario, *arguments):
    result = support.run("semlink", "certs", folder, "--scenario", scenario, *arguments)
    assert result.returncode == 0, result.stderr
    return result


def openssl(*arguments):
    return subprocess.run(["openssl"] + [str(a) for a in arguments], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def expired_certificate(certs, name):
    """A certificate of `name` by the same CA that ended long ago, beside the node's own files."""
    extensions = certs / "extensions"
    role, number = name.rstrip("0123456789"), name[len(name.rstrip("0123456789")):]
    extensions.write_text(f"subjectAltName=URI:semlink:{role}/{number},DNS:{name}.semlink\n"
                          "extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=digitalSignature\n")
    request = certs / "expired.csr"
    openssl("req", "-new", "-key", certs / f"{name}.key", "-subj", f"/CN={name}", "-out", request)
    # `openssl x509` can't date into the past, `openssl ca` can.
    config = certs / "ca.conf"
    (certs / "index").write_text("")
    config.write_text(f"[ca]\ndefault_ca=c\n[c]\ndatabase={certs}/index\nnew_certs_dir={certs}\n"
                      "default_md=sha256\npolicy=p\nrand_serial=yes\nunique_subject=no\n"
                      "[p]\ncommonName=supplied\n")
    out = certs / "expired.pem"
    openssl("ca", "-batch", "-notext", "-config", config, "-cert", certs / "ca.pem", "-keyfile",
            certs / "ca.key", "-in", request, "-out", out, "-extfile", extensions, "-startdate",
            "20200101000000Z", "-enddate", "20200201000000Z")
    return out


class CertsTest(support.SemlinkTest):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("small.yaml", support.SMALL)
        self.certs = self.folder / "certs"

    def test_openssl_agrees(self):
        make_certificates(self.certs, self.scenario, "--host", "node7.lab", "--days", "3")
        names = {path.name for path in self.certs.iterdir()}
        nodes = ["coordinator", "operator"] + [f"{role}{n}" for n in (1, 2, 3)
                                               for role in ("transmitter", "receiver")]
        self.assertEqual(names, {f"{n}.{e}" for n in ["ca"] + nodes for e in ("pem", "key")})
        for node in nodes:
            mode = stat.S_IMODE((self.certs / f"{node}.key").stat().st_mode)
            self.assertEqual(mode, 0o600)
            self.assertIn("OK", openssl("verify", "-x509_strict", "-purpose", "sslclient",
                                        "-CAfile", self.certs / "ca.pem",
                                        self.certs / f"{node}.pem"))
        text = openssl("x509", "-in", self.certs / "transmitter2.pem", "-noout", "-text")
        for part in ("URI:semlink:transmitter/2", "DNS:transmitter2.semlink", "DNS:node7.lab",
                     "IP Address:127.0.0.1", "CN = transmitter2", "CA:FALSE", "prime256v1"):
            self.assertIn(part, text)

    def test_made_twice_keeps_and_force_renews(self):
        make_certificates(self.certs, self.scenario)
        before = {path.name: path.read_bytes() for path in self.certs.iterdir()}
        self.assert_says(make_certificates(self.certs, self.scenario).stdout, "kept")
        self.assertEqual({p.name: p.read_bytes() for p in self.certs.iterdir()}, before)
        make_certificates(self.certs, self.scenario, "--force")
        self.assertEqual((self.certs / "ca.pem").read_bytes(), before["ca.pem"])
        self.assertNotEqual((self.certs / "receiver1.pem").read_bytes(), before["receiver1.pem"])

    def test_bad_input(self):
        self.semlink("certs", self.certs, expect=2)
        self.semlink("certs", self.certs, "--scenario", self.folder / "no.yaml", expect=2)
        result = self.semlink("certs", self.certs, "--scenario", self.scenario, "--host", "a b",
                              expect=2)
        self.assert_says(result.stderr, "a b", "is no host")
        self.semlink("certs", self.certs, "--scenario", self.scenario, "--days", "0", expect=2)
        make_certificates(self.certs, self.scenario)
        (self.certs / "ca.key").write_text("nonsense")
        result = self.semlink("certs", self.certs, "--scenario", self.scenario, expect=2)
        self.assert_says(result.stderr, "ca.pem", "private key")

    def test_help_has_examples(self):
        self.assert_says(self.semlink("certs", "--help").stdout, "Examples", "--force", "--host")


class RefusalTest(support.SemlinkTest):
    """A coordinator with TLS, and callers that it must not let in."""

    @classmethod
    def setUpClass(cls):
        cls.holder = support.SemlinkTest()
        cls.holder.setUp()
        cls.addClassCleanup(cls.holder.doCleanups)
        scenario = cls.holder.write("small.yaml", support.SMALL)
        cls.certs = cls.holder.folder / "certs"
        cls.other = cls.holder.folder / "other"
        make_certificates(cls.certs, scenario)
        make_certificates(cls.other, scenario)
        cls.coordinator, cls.address, cls.log = cls.holder.start_coordinator(scenario, "--tls",
                                                                             cls.certs)

    def status(self):
        result = self.semlink("status", "--coordinator", self.address, "--tls", self.certs,
                              "--format=json")
        return json.loads(result.stdout)

    def refused(self, reason, said, program, *arguments):
        """The program ends with code 3 and says why; the coordinator logs it and counts it."""
        before, logged = self.status(), len(self.log.read_text())
        result = support.run(program, f"--coordinator={self.address}", *arguments)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assert_says(result.stderr, "refused", *said)
        self.assert_logged(logged, said)
        after = self.status()
        self.assertEqual(after["identity_refusals"].get(reason, 0),
                         before["identity_refusals"].get(reason, 0) + 1)
        self.assertEqual(after["refusals"], before["refusals"] + 1)
        self.assertIsNone(self.coordinator.poll(), self.log.read_text())

    def assert_logged(self, since, said):
        lines = [line for line in self.log.read_text()[since:].splitlines() if "refused" in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"127\.0\.0\.1:\d+")
        self.assert_says(lines[0], *said)

    def test_without_a_certificate(self):
        self.refused("no certificate", ["no certificate was shown"], "semlink-receiver",
                     "--index=1", "--tls-ca", self.certs / "ca.pem")

    def test_with_a_certificate_of_another_ca(self):
        for program, name in (("semlink-receiver", "receiver1"),
                              ("semlink-transmitter", "transmitter1")):
            self.refused("certificate not valid", [name, "not issued by this run's CA"], program,
                         "--index=1", "--tls", self.other, "--tls-ca", self.certs / "ca.pem")

    def test_with_an_expired_certificate(self):
        expired = expired_certificate(self.certs, "receiver1")
        self.refused("certificate not valid", ["receiver1", "expired on 2020-02-01"],
                     "semlink-receiver", "--index=1", "--tls", self.certs, "--tls-cert", expired)

    def test_with_the_certificate_of_another_role(self):
        self.refused("certificate of another node", ["certificate of receiver1", "transmitter1"],
                     "semlink-transmitter", "--index=1", "--tls", self.certs, "--tls-cert",
                     self.certs / "receiver1.pem", "--tls-key", self.certs / "receiver1.key")

    def test_with_the_certificate_of_another_number(self):
        self.refused("certificate of another node", ["certificate of receiver1", "receiver2"],
                     "semlink-receiver", "--index=2", "--tls", self.certs, "--tls-cert",
                     self.certs / "receiver1.pem", "--tls-key", self.certs / "receiver1.key")

    def test_a_node_is_no_operator(self):
        before, logged = self.status(), len(self.log.read_text())
        result = self.semlink("status", "--coordinator", self.address, "--tls", self.certs,
                              "--tls-cert", self.certs / "transmitter1.pem", "--tls-key",
                              self.certs / "transmitter1.key", expect=3)
        self.assert_says(result.stderr, "refuses", "operator", "transmitter1")
        self.assert_logged(logged, ["operator", "transmitter1", "GetStatus"])
        self.assertEqual(self.status()["identity_refusals"]["not an operator"],
                         before["identity_refusals"].get("not an operator", 0) + 1)

    def test_nobody_is_no_operator(self):
        result = self.semlink("status", "--coordinator", self.address, "--tls-ca",
                              self.certs / "ca.pem", expect=3)
        self.assert_says(result.stderr, "refuses", "no certificate")

    def test_plain_text_is_not_understood(self):
        result = self.semlink("status", "--coordinator", self.address, "--insecure", expect=3)
        self.assert_says(result.stderr, "--tls")
        result = support.run("semlink-receiver", f"--coordinator={self.address}", "--index=1",
                             "--insecure", "--wait=1")
        self.assertIn(result.returncode, (3, 4), result.stderr)

    def test_a_coordinator_of_another_ca_is_not_believed(self):
        result = support.run("semlink-receiver", f"--coordinator={self.address}", "--index=1",
                             "--tls", self.other)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assert_says(result.stderr, "does not prove to be coordinator", "our CA")


class FlagsTest(support.SemlinkTest):
    def test_a_daemon_without_either_flag_does_not_start(self):
        scenario = self.write("small.yaml", support.SMALL)
        for program, arguments in (
                ("semlink-coordinator", ["--scenario", scenario, "--out", self.folder / "run"]),
                ("semlink-transmitter", ["--coordinator=127.0.0.1:1", "--index=1"]),
                ("semlink-receiver", ["--coordinator=127.0.0.1:1", "--index=1"])):
            with self.subTest(program):
                result = self.run_program(program, *arguments)
                self.assertEqual(result.returncode, 2, result.stderr)
                self.assert_says(result.stderr, "--tls", "--insecure")
        self.assertFalse((self.folder / "run").exists())

    def test_flags_that_do_not_fit(self):
        for arguments, said in ((["--insecure", "--tls", "x"], "exclude"),
                                (["--tls", self.folder], "ca.pem"),
                                (["--tls-cert", "x", "--tls-key", "y"], "--tls-ca"),
                                (["--tls-ca", "x", "--tls-key", "y"], "go together")):
            result = self.run_program("semlink-receiver", "--coordinator=127.0.0.1:1", "--index=1",
                                      *arguments)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assert_says(result.stderr, said)


class TlsRunTest(support.SemlinkTest):
    def run_small(self, name, *arguments):
        scenario = self.write("small.yaml", TLS_RUN)
        out = self.folder / name
        began = time.monotonic()
        self.semlink("run", scenario, "--out", out, *arguments)
        windows = [line["seconds"] for line in support.read_lines(out / "metrics.jsonl")
                   if line["kind"] == "train"]
        return out, sorted(windows)[len(windows) // 2], time.monotonic() - began

    def test_tls_changes_no_result(self):
        plain, plain_window, plain_all = self.run_small("plain")
        tls, tls_window, tls_all = self.run_small("tls", "--tls")
        self.assertEqual(support.parameter_digests(tls), support.parameter_digests(plain))
        self.assertTrue((tls / "certs" / "ca.pem").exists())
        self.assertFalse((plain / "certs").exists())
        print(f"\nmedian window {1e3 * plain_window:.1f} ms in the clear, {1e3 * tls_window:.1f} ms "
              f"with TLS; whole run {plain_all:.1f} s and {tls_all:.1f} s")

    def test_a_folder_of_certificates(self):
        scenario = self.write("small.yaml", TLS_RUN)
        certs = self.folder / "c"
        result = self.semlink("run", scenario, "--out", self.folder / "a", f"--tls={certs}",
                              expect=2)
        self.assert_says(result.stderr, str(certs), "semlink certs")
        self.assertFalse((self.folder / "a").exists(), "the same --out must be usable afterwards")
        make_certificates(certs, scenario)
        out = self.run_small("a", f"--tls={certs}")[0]
        self.assertEqual(os.path.realpath(out / "certs"), os.path.realpath(certs))


if __name__ == "__main__":
    unittest.main()
