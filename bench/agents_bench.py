"""How well detection finds faults in made-up weeks of 200 services and 400 metrics (bench/agents), and what others find on the same; and how often
the cause of a fault in companies whose services call each other is ranked first, or among the first three.

    BENCH_AGENTS_TUNED=20     evaluated weeks that the constants of src/detect were chosen on (seed 1); a third of them with faults
    BENCH_AGENTS_ASIDE=10     and of those put aside before (seed 7919)
    BENCH_AGENTS_LIBRARY=3    of these, how many a public library (bench/agents/requirements.txt) is run on; 0: none, and no plots;
                              of a quarter of the services, and of those with faults
    BENCH_AGENTS_SECONDS=0    both end with the week in which so many are over; 0: with the last
    BENCH_AGENTS_NEW=4        weeks of new errors and log patterns, of each set
    BENCH_AGENTS_COMPANIES=12 how many companies with service maps the causes of faults are ranked in; of three the last is put aside
    BENCH_AGENTS_DOCS=1       writes the plots to docs/shots, and not only beside the figures

Faults in a shop that runs: make bench BENCH=shop_faults (bench/shop_faults.py), by the clock.

Both sets run at once, each one thread; 16 minutes of CPU in all with the library's."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests"))
import pythonhome
from monoscope import check

REPO = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AGENTS = os.path.join(REPO, "build", "release", "bench", "agents")
SETS = [("tuned", "1", os.environ.get("BENCH_AGENTS_TUNED", "20")), ("aside", "7919", os.environ.get("BENCH_AGENTS_ASIDE", "10"))]
SECONDS = os.environ.get("BENCH_AGENTS_SECONDS", "0")
COMPANIES = os.environ.get("BENCH_AGENTS_COMPANIES", "12")
NEW = os.environ.get("BENCH_AGENTS_NEW", "4")
LIBRARY = os.environ.get("BENCH_AGENTS_LIBRARY", "3")


def bench_causes():
    running = [subprocess.Popen([AGENTS + "_causes", "--name", name, "--companies", COMPANIES], stdout=subprocess.PIPE, text=True) for name in ("tuned", "aside")]
    for process in running:
        said = process.communicate()[0]
        check(process.returncode == 0, "the companies run")
        print(said, end="", flush=True)
    for line in said.splitlines():
        if line.split()[0] in ("rca_top1_percent_aside", "rca_top3_percent_aside"):
            print(line.replace("_aside", ""), flush=True)


def bench_metrics():
    for name, seed, weeks in SETS:
        ran = subprocess.run([AGENTS + "_levels", "--name", name, "--seed", seed, "--weeks", weeks], stdout=subprocess.PIPE, text=True)
        check(ran.returncode == 0, "the weeks of metrics run")
        print(ran.stdout, end="", flush=True)


def bench_new():
    for name, seed, _ in SETS:
        folder = os.path.join(os.environ["STORY_DIR"], "new_" + name)
        os.makedirs(folder)
        ran = subprocess.run([AGENTS + "_new", "--dir", folder, "--name", name, "--seed", seed, "--weeks", NEW], stdout=subprocess.PIPE, text=True)
        check(ran.returncode == 0, "the weeks of new errors run")
        print(ran.stdout, end="", flush=True)


def bench_agents():
    bench_new()
    bench_causes()
    bench_metrics()
    folder = os.path.join(os.environ["STORY_DIR"], "agents")
    os.makedirs(folder)
    dump, findings, figures = (os.path.join(folder, name) for name in ("aside.dump", "aside.findings", "figures"))
    running = []
    for name, seed, weeks in SETS:
        more = ["--dump", dump, "--findings", findings] if name == "aside" else []
        running.append(subprocess.Popen([AGENTS, "--name", name, "--seed", seed, "--weeks", weeks, "--seconds", SECONDS] + more, stdout=subprocess.PIPE, text=True))
    text = ""
    for process in running:
        said = process.communicate()[0]
        check(process.returncode == 0, "the weeks run")
        print(said, end="", flush=True)
        text += said
    if LIBRARY == "0":
        return
    python = os.path.join(pythonhome.install("bench/agents"), "bin", "python")
    said = subprocess.run([python, os.path.join(REPO, "bench", "agents", "library.py"), dump, LIBRARY, "4"], check=True, capture_output=True, text=True).stdout
    print(said, end="", flush=True)
    with open(figures, "w") as f:
        f.write(text + said)
    shots = os.path.join(REPO, "docs", "shots") if os.environ.get("BENCH_AGENTS_DOCS") else folder
    subprocess.run([python, os.path.join(REPO, "bench", "agents", "plots.py"), dump, findings, figures, shots], check=True)
    print("# plots: %s" % shots, flush=True)
