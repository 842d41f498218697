"""A table of many files with known traces on a store, made and asked by build/release/bench/trace_bench (see its head)."""
import os
import subprocess

from monoscope import REPO, check

PROGRAM = os.path.join(os.environ.get("MONO_BENCH") or os.path.join(REPO, "build", "release", "bench"), "trace_bench")
PROJECT = "11111111-2222-4333-8444-555555555555"


class TraceTable:
    """files of groups row groups with traces traces each; every tenth trace goes on in the next file."""

    def __init__(self, url, files, traces, groups=1):
        self.url = url
        self.shape = [str(files), str(traces), str(groups)]

    def run(self, verb, environment, *more):
        result = subprocess.run([PROGRAM, verb, self.url, PROJECT] + self.shape + [str(word) for word in more],
                                env=dict(os.environ, **environment), capture_output=True, text=True)
        check(result.returncode == 0, "trace_bench %s works: %s" % (verb, result.stderr))
        return result.stdout

    def build(self, environment):
        self.run("build", environment)

    def work(self, environment):
        """Indexes the files that no run covers, in a process of its own."""
        self.run("work", environment)

    def ask(self, environment, count, first):
        """Look-ups of traces in count files, in a process of its own with nothing in memory but the open table: of each its GETs,
        LISTs, milliseconds and rows. It checks the rows itself."""
        lines = self.run("ask", environment, count, first).splitlines()
        check(len(lines) == count, "%d look-ups were made, not %d" % (len(lines), count))
        return [(int(gets), int(lists), float(ms), int(rows)) for gets, lists, ms, rows in (line.split() for line in lines)]
