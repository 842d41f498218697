# time_limit_s: 300, tries: 2
"""h2spec, the conformance tests of HTTP/2 (RFC 7540, 7541), in strict mode against the OTLP/gRPC port. Every case passes but
those of EXPECTED, each with the reason why it cannot; one of them that passes is an error too, for then its reason is gone."""
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from goprogram import build
from monoscope import STORY_DIR, Server, check
from otlp import Sender, span, traces

CASES = 146  # of h2spec 2.2.1 in strict mode
EXPECTED = {
    ("http2/4.2", "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE"):
        "it sends 20 KB and takes 16 KiB for the limit, whatever we said: our SETTINGS_MAX_FRAME_SIZE is 1 MiB, so that large "
        "requests come in few frames; such headers are answered 431",
}


def main():
    binary = build("h2spec", "github.com/summerwind/h2spec/cmd/h2spec")
    report = os.path.join(STORY_DIR, "h2spec.xml")
    with Server() as server:
        result = subprocess.run([binary, "--host", "127.0.0.1", "--port", str(server.grpc_port), "--strict", "--timeout", "5",
                                 "--junit-report", report], capture_output=True, text=True, timeout=280)
        check(os.path.exists(report), "h2spec writes its report\n" + result.stdout + result.stderr)
        passed, failed, skipped = set(), {}, []
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            for case in suite.iter("testcase"):
                name = (case.get("package"), case.get("classname"))
                if case.find("failure") is not None or case.find("error") is not None:
                    failed[name] = ElementTree.tostring(case, encoding="unicode")
                elif case.find("skipped") is not None:
                    skipped.append(name)
                else:
                    passed.add(name)
        unknown = [name for name in failed if name not in EXPECTED]
        check(not unknown, "these cases fail:\n" + "\n".join("%s: %s\n%s" % (*name, failed[name]) for name in unknown))
        check(not skipped, "no case is skipped: %r" % skipped)
        gone = [name for name in EXPECTED if name not in failed]
        check(not gone, "these cases were expected to fail and do not: %r" % gone)
        check(len(passed) + len(failed) == CASES, "h2spec runs %d cases: %d" % (CASES, len(passed) + len(failed)))
        answer = Sender(server.grpc_port, server.key).send("traces", traces([span("after h2spec")]))
        check(answer.status == 0, "the port takes spans afterwards: %r" % answer)
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans WHERE name = 'after h2spec'", 1)
        server.stop()
    print("h2spec: %d of %d cases pass, strictly" % (len(passed), CASES))
    for name, reason in EXPECTED.items():
        print("expected to fail: %s, %s: %s" % (*name, reason))


main()
