"""Asks the questions of a file and compares what comes with what the reference SQL gives. README.md says what counts.

    blocks = read("questions.txt")
    score = Evaluation(caller, "default", now).run(blocks)  # .right, .wrong, .declined, .total; .lines: one a question that is not right
    Evaluation(..., translator="model")                     # reads them by the language model; .tokens, .cost, .why_not of all answers
    by_model(figure, caller, "default", now)                # all files by the language model, as figures
"""
import datetime
import math
import os
import re
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DISPLAYS = ("number", "chart", "table", "rows", "waterfall", "decline")
KEYS = {"rows": "id", "waterfall": "trace_id"}
TOLERANCE = 1e-6


class Block:
    def __init__(self, topic):
        self.topic, self.zone, self.show, self.sql, self.is_ordered, self.after, self.questions = topic, "UTC", None, None, False, [], []


def read(name):
    """The blocks of a file; what is not in the format ends it."""
    lets, blocks, topic, block, last = {}, [], "", None, None
    with open(os.path.join(HERE, name)) as f:
        lines = f.read().splitlines()
    for number, line in enumerate(lines + [""], 1):
        word, _, rest = line.partition(" ")
        if word in ("", "#") and not rest.strip():
            block = None
        elif word == "#":
            pass
        elif word == "let":
            key, _, text = rest.partition(" = ")
            lets[key] = text
        elif word == "==":
            topic = rest
        elif line.startswith("  ") and last == "sql":
            block.sql += " " + filled(line.strip(), lets)
            continue
        else:
            if block is None:
                block = Block(topic)
                blocks.append(block)
            if word == "zone":
                block.zone = rest
            elif word == "show" and rest in DISPLAYS:
                block.show = rest
            elif line == "ordered":
                block.is_ordered = True
            elif word == "after":
                block.after.append(rest)
            elif word == "sql":
                block.sql = filled(rest, lets)
            elif word == "?":
                block.questions.append(rest)
            else:
                raise ValueError("%s:%d: %s" % (name, number, line))
        last = word
    for block in blocks:
        if not block.questions or block.show is None or (block.sql is None) != (block.show == "decline"):
            raise ValueError("%s: a block of %s is not whole: %s" % (name, block.topic, block.questions))
    return blocks


def filled(text, lets):
    for _ in range(3):
        text = re.sub(r"\{(\w+)\}", lambda found: lets[found.group(1)], text)
    return text


def plain(value):
    """Numbers as numbers, instants as instants, so that they compare."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
        return datetime.datetime.fromisoformat(re.sub(r"\.(\d{6})\d*", r".\1", value).replace("Z", "+00:00")).timestamp()
    return value


def is_equal(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-9)
    return a == b


def key_of(row):
    return [(0, "") if one is None else (1, "%.6e" % one) if isinstance(one, float) else (2, str(one)) for one in row]


def rows_equal(a, b, is_ordered):
    if len(a) != len(b):
        return False
    if not is_ordered:
        a, b = sorted(a, key=key_of), sorted(b, key=key_of)
    return all(len(x) == len(y) and all(is_equal(p, q) for p, q in zip(x, y)) for x, y in zip(a, b))


class Score:
    def __init__(self):
        self.right = self.wrong = self.declined = self.total = 0
        self.lines, self.ms, self.topics = [], [], {}

    def add(self, block, question, outcome, words):
        self.total += 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        of = self.topics.setdefault(block.topic, [0, 0])
        of[0] += outcome == "right"
        of[1] += 1
        if outcome != "right":
            self.lines.append("%-8s [%s] %s: %s" % (outcome, block.topic, question, words))

    right_percent = property(lambda self: 100.0 * self.right / self.total)
    wrong_percent = property(lambda self: 100.0 * self.wrong / self.total)


class Evaluation:
    def __init__(self, caller, project, now, translator="auto"):
        self.caller, self.path, self.now = caller, "/projects/%s/" % project, now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.translator, self.tokens, self.cost, self.why_not, self.rounds = translator, 0, 0.0, {}, 0

    def ask(self, question, zone, context=None, before=None):
        body = {"question": question, "zone": zone, "now": self.now, "translator": self.translator}
        if context is not None:
            body.update(context=context, context_question=before)
        answer = self.caller.done("POST", self.path + "ask", body)
        model = answer["model"]
        self.tokens += model.get("input_tokens", 0) + model.get("output_tokens", 0)
        self.cost += model.get("cost", 0)
        self.rounds += model["rounds"]
        if model["why_not"]:
            self.why_not[model["why_not"]] = self.why_not.get(model["why_not"], 0) + 1
        return answer

    def expected(self, sql):
        answer = self.caller.done("POST", self.path + "query", {"sql": sql, "limit": 10000})
        return [[plain(one) for one in row] for row in answer["rows"]]

    def given(self, answer, show):
        names = [column["name"] for column in answer["columns"]]
        if show in KEYS:
            if KEYS[show] not in names:
                return None
            at = names.index(KEYS[show])
            return [[row[at]] for row in answer["rows"]]
        return [[plain(one) for one in row] for row in answer["rows"]]

    def one(self, score, block, question, wanted):
        context = last = None
        for before in block.after:
            context, last = self.ask(before, block.zone, context, last).get("plan"), before
        begin = time.monotonic()
        answer = self.ask(question, block.zone, context, last)
        score.ms.append((time.monotonic() - begin) * 1000)
        is_its = self.translator != "model" or answer["translator"] == "model"  # what the embedded one said instead is not the model's
        if not answer["understood"] or not is_its:
            score.add(block, question, "right" if block.show == "decline" else "declined", answer["reading"])
            return
        if block.show == "decline":
            score.add(block, question, "wrong", "answered: " + answer["reading"])
            return
        if answer["display"] != block.show:
            score.add(block, question, "wrong", "shown as %s: %s" % (answer["display"], answer["reading"]))
            return
        given = self.given(answer, block.show)
        if given is None or not rows_equal(given, wanted, block.is_ordered):
            score.add(block, question, "wrong", "%s; %s %s; got %s, wanted %s" % (answer["reading"], answer["sql"], answer["parameters"], str(given)[:200], str(wanted)[:200]))
        else:
            score.add(block, question, "right", "")

    def run(self, blocks, every=1):
        """every: 10 asks every tenth question."""
        score, number = Score(), 0
        for block in blocks:
            wanted = self.expected(block.sql) if block.sql else None
            for question in block.questions:
                number += 1
                if number % every == 0:
                    self.one(score, block, question, wanted)
        return score


# The files, and how their figures end.
FILES = (("questions.txt", ""), ("questions_aside.txt", "_aside"), ("questions_model.txt", "_beyond"))


def by_model(figure, caller, project, now, files=FILES, every=1):
    """How often the project's language model is right, of each file; seconds, tokens and cost of all. Its evaluations, by file."""
    evaluations, ms, total = {}, [], 0
    for name, ending in files:
        evaluation = evaluations[name] = Evaluation(caller, project, now, "model")
        score = evaluation.score = evaluation.run(read(name), every)
        ms, total = ms + score.ms, total + score.total
        if score.total == 0:
            continue
        figure("ask_model_questions" + ending, score.total, "1")
        figure("ask_model_right%s_percent" % ending, score.right_percent, "%")
        figure("ask_model_wrong_unwarned%s_percent" % ending, score.wrong_percent, "%")
        figure("ask_model_declined%s_percent" % ending, 100.0 * score.declined / score.total, "%")
    ms.sort()
    all_of_them = evaluations.values()
    figure("ask_model_p50_ms", ms[len(ms) // 2], "ms")
    figure("ask_model_p95_ms", ms[int(len(ms) * 0.95)], "ms")
    figure("ask_model_rounds", sum(one.rounds for one in all_of_them) / total, "1/question")
    figure("ask_model_tokens", sum(one.tokens for one in all_of_them) / total, "1/question")
    figure("ask_model_cost", sum(one.cost for one in all_of_them), "of all questions")
    return evaluations
