"""How often questions in plain English are answered right (tests/ask), and how soon rows are there with 10 million spans of 24 hours.

    BENCH_ASK_SPANS=10000000    how many; 0: only how often they are right
    BENCH_ASK_DATA=folder       keeps what was sent in a folder, or takes it from there, or what bench_query or bench_ui kept (same machine, same day)
    BENCH_ASK_SLOW=1            prints each question's time, and not only the five slowest

With a language model the same questions, and those that the embedded translator does not understand, by that model alone, with what
each answer took, its tokens and cost (some 5,000 tokens a question, which your model's owner may charge for):

    BENCH_ASK_URL=https://api.openai.com/v1  BENCH_ASK_MODEL=gpt-4o-mini  BENCH_ASK_KEY=sk-...   as --llm-url, --llm-model, the key
    BENCH_ASK_INPUT_PRICE=0.15 BENCH_ASK_OUTPUT_PRICE=0.60     of a million tokens
    BENCH_ASK_EVERY=10          every tenth question alone
    BENCH_ASK_WAIT=60s          how long a question waits for it"""
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "ask"))
import evaluate
import shop_days
from apiclient import Caller
from monoscope import LOAD, Server, check, wait_until

SPANS, URL = int(os.environ.get("BENCH_ASK_SPANS", "10000000")), os.environ.get("BENCH_ASK_URL")
HOURS, CONNECTIONS, SPANS_EACH, RUNS = 24, 4, 500, 5
# What is asked of the load's spans: {service} is one of theirs.
TIMED = ["how many requests in the last hour", "requests per hour today", "errors by service", "error rate by service in the last 3 hours", "p95 by service",
         "p50, p95 and p99 by route for {service}", "errors of {service} in the last 6 hours", "slowest requests of {service} in the last hour", "5 slowest traces in the last hour",
         "top 5 routes by errors", "requests over time by service", "requests slower than 500 ms in the last hour", "how many users in the last hour", "latest 10 errors",
         "requests of {service} in the last hour compared with the period before", "5xx of {service}", "top 10 users", "error rate of {service} per hour", "traces with errors in {service} in the last hour",
         "average duration per route in the last 3 hours"]


def model_options():
    if not URL:
        return []
    return ["--llm-url", URL, "--llm-model", os.environ.get("BENCH_ASK_MODEL", "default"), "--ask-model-wait", os.environ.get("BENCH_ASK_WAIT", "60s"),
            "--llm-input-price", os.environ.get("BENCH_ASK_INPUT_PRICE", "0"), "--llm-output-price", os.environ.get("BENCH_ASK_OUTPUT_PRICE", "0")]


def by_model(figure, server):
    evaluations = evaluate.by_model(figure, Caller(server, server.key), "default", shop_days.NOW, every=int(os.environ.get("BENCH_ASK_EVERY", "1")))
    for name, evaluation in evaluations.items():
        print("# %s: why not: %s" % (name, evaluation.why_not), flush=True)
        for line in evaluation.score.lines:
            print("# " + line, flush=True)


def rightness(figure, folder):
    with Server(data=os.path.join(folder, "days"), options=["--rollups-minutes", "36500d", "--rollups-attributes", "0d"] + model_options(),
                environment={"MONOSCOPE_LLM_KEY": os.environ.get("BENCH_ASK_KEY", "")}) as server:
        server.wait_count("SELECT count(*) FROM otel_logs_and_spans", shop_days.send(server, server.key))
        evaluation = evaluate.Evaluation(Caller(server, server.key), "default", shop_days.NOW, "embedded")
        for name, ending in evaluate.FILES[:2]:
            score = evaluation.run(evaluate.read(name))
            figure("ask_questions" + ending, score.total, "1")
            figure("ask_right%s_percent" % ending, score.right_percent, "%")
            figure("ask_wrong_unwarned%s_percent" % ending, score.wrong_percent, "%")
            figure("ask_declined%s_percent" % ending, 100.0 * score.declined / score.total, "%")
        if URL:
            by_model(figure, server)


def fill(server):
    requests = SPANS // (CONNECTIONS * SPANS_EACH)
    sent = subprocess.run([LOAD, "--port", str(server.grpc_port), "--key", server.key, "--seconds", "3600", "--connections", str(CONNECTIONS), "--spans", str(SPANS_EACH),
                           "--requests", str(requests), "--over", str(HOURS * 3600)], capture_output=True, text=True)
    told = json.loads(sent.stdout or "{}")
    check(told.get("failed", requests) <= requests // 100, "the spans are sent, but for what a busy machine refuses: %s%s" % (sent.stdout, sent.stderr))
    wait_until(lambda: server.one("SELECT count(*) FROM otel_logs_and_spans") >= told["spans"], "they are there", 600)
    server.connect().execute("FLUSH")


def speed(figure, folder):
    data = os.environ.get("BENCH_ASK_DATA") or os.path.join(folder, "load")
    note = os.path.join(data, "ask_bench.json")
    for other in ("query_bench.json", "ui_bench.json"):  # filled by one of those
        if os.path.exists(os.path.join(data, other)):
            note = os.path.join(data, other)
    with Server(data=data, flush="20s") as server:
        if not os.path.exists(note):
            fill(server)
            with open(note, "w") as f:
                json.dump({"end": time.time()}, f)
        with open(note) as f:
            end = datetime.datetime.fromtimestamp(json.load(f)["end"], datetime.timezone.utc)
        caller = Caller(server, server.key)
        evaluation = evaluate.Evaluation(caller, "default", end, "embedded")
        service = caller.done("GET", "/projects/default/services?from=%s&limit=1" % (end - datetime.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ"))["items"][0]["name"]
        cold, warm, cpu = [], [], {question: [] for question in TIMED}
        for run in range(RUNS):
            for question in TIMED:
                begin, cpu_begin = time.monotonic(), server.cpu_ms()
                answer = evaluation.ask(question.format(service=service), "UTC")
                took = (time.monotonic() - begin) * 1000
                cpu[question].append(server.cpu_ms() - cpu_begin)
                check(answer["understood"], "%s: %s" % (question, answer["reading"]))
                (cold if run == 0 else warm).append((took, question))
        for question in sorted(TIMED, key=lambda one: -statistics.median(took for took, asked in warm if asked == one))[:None if os.environ.get("BENCH_ASK_SLOW") else 5]:
            times = [took for took, asked in warm if asked == question]
            print("# p50 %8.1f ms, server's CPU %6.0f ms: %s" % (statistics.median(times), min(cpu[question]), question), flush=True)
        figure("ask_spans", server.one("SELECT count(*) FROM otel_logs_and_spans"), "rows")
        for name, times in (("first", sorted(cold)), ("warm", sorted(warm))):
            figure("ask_%s_p50_ms" % name, times[len(times) // 2][0], "ms")
            figure("ask_%s_p95_ms" % name, times[-(-len(times) * 95 // 100) - 1][0], "ms")  # by nearest rank: 95 of 100 are not above it


def bench_ask(figure):
    folder = os.path.join(os.environ["STORY_DIR"], "ask")
    rightness(figure, folder)
    if SPANS > 0:
        speed(figure, folder)
