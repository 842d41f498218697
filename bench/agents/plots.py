"""Draws docs/shots/detection-*.svg. python plots.py DUMP FINDINGS FIGURES FOLDER: of `agents --dump --findings` and what the bench printed."""
import io
import json
import re
import sys

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy

matplotlib.rcParams.update({"svg.hashsalt": "detection", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
METHODS = [("ours", "this"), ("zscore", "z-score"), ("median_mad", "median/MAD"), ("river", "river")]
KINDS = ["volume_spike", "volume_drop", "silence", "error_step", "error_ramp", "error_endpoint", "latency_step", "latency_endpoint", "latency_drift"]
UNITS = ["rows a minute", "share of errors", "p95, ms"]


def save(figure, folder, name):
    figure.tight_layout()
    text = io.StringIO()
    figure.savefig(text, metadata={"Date": None})
    plt.close(figure)
    with open("%s/detection-%s.svg" % (folder, name), "w") as f:
        f.writelines(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def quality(figures, folder):
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), gridspec_kw={"width_ratios": [3, 2, 2]})
    y = numpy.arange(len(KINDS))
    for m, (method, label) in enumerate(METHODS[:3]):
        axes[0].barh(y + 0.27 * (m - 1), [figures.get("detect_recall_aside_%s_%s" % (method, kind), 0) for kind in KINDS], 0.25, label=label)
    axes[0].set_yticks(y, [kind.replace("_", " ") for kind in KINDS])
    axes[0].invert_yaxis()
    axes[0].set_xlabel("share of faults found")
    axes[0].legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncol=3)
    for axis, what, label, is_log in [(axes[1], "false_alerts_per_service_month_aside_%s", "false alerts a service and month", True),
                                      (axes[2], "detect_delay_p50_min_aside_%s", "minutes until half were found", False)]:
        known = [(title, figures[what % method]) for method, title in METHODS if what % method in figures]
        values = [value for _, value in known]
        axis.barh([title for title, _ in known], values, color="C0")
        axis.invert_yaxis()
        axis.set_xlabel(label)
        if is_log:
            axis.set_xscale("log")
            axis.axvline(1, color="C3", linewidth=1, linestyle=":")
        for at, value in enumerate(values):
            axis.annotate(" %.3g" % value, (value, at), va="center", fontsize=8)
    save(figure, folder, "quality")


def examples(dump, findings, folder):
    with open(dump, "rb") as f:
        head = json.loads(f.readline())
        values = numpy.frombuffer(f.read(), dtype="<f4")
    series = len(head["series"])
    values = values[:values.size // (series * 3) * series * 3].reshape(-1, series, 3)
    wanted, chosen = ["volume_drop", "error_ramp", "latency_drift"], []
    for kind in wanted:
        chosen += [fault for fault in head["faults"] if fault["kind"] == kind and fault["asked"]][:1]
    figure, axes = plt.subplots(len(chosen), 1, figsize=(11, 2.1 * len(chosen)))
    for axis, fault in zip(axes, chosen):
        number = head["series"].index([fault["service"], fault["endpoint"]])
        first, last = (fault["begin"] - 2 * 1440) // 5, (fault["end"] + 480) // 5
        axis.plot(numpy.arange(first, last) * 5 / 1440, values[first:last, number, fault["family"]], linewidth=0.8, color="C0")
        axis.axvspan(fault["begin"] / 1440, fault["end"] / 1440, color="C1", alpha=0.25, linewidth=0)
        for line in findings:
            words = line.split()
            if words[0] == "0" and words[2] == "series" and int(words[3]) == number and first * 5 <= int(words[1]) <= last * 5:
                axis.axvline(int(words[1]) / 1440, color="C3", linewidth=1)
        axis.set_ylabel(UNITS[fault["family"]])
        axis.set_title("%s (shaded); red: found" % fault["kind"].replace("_", " "), fontsize=9, loc="left")
    axes[-1].set_xlabel("day")
    save(figure, folder, "examples")


def main():
    dump, findings, figures, folder = sys.argv[1:]
    with open(figures) as f:
        values = {m.group(1): float(m.group(2)) for m in re.finditer(r"^(\w+) ([-+.\de]+|nan) ", f.read(), re.M)}
    quality(values, folder)
    with open(findings) as f:
        examples(dump, f.readlines(), folder)


main()
