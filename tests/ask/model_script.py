"""What a scripted language model answers to questions: it reads the prompt as a model would, and whatever the prompt does not hold it
cannot answer. Names of services and values are picked out of the fenced lists, instants out of the midnights and the now of the prompt,
the zone is the prompt's; a request without schema, catalog, zone or fences is refused, and fails the story.

    with LlmServer(Script(RECIPES)) as model: ...          # tests/llm_server.py; plans in the forms of OpenAI's and Anthropic's answers
"""
import datetime
import json
import re
import sys

from llm_server import LlmServer, Refused, must


class Prompt:
    """The prompt of one request, taken apart."""

    def __init__(self, asked):
        self.asked = asked
        plan = (asked.schema or {}).get("properties", {}).get("plan", {}).get("properties", {})
        must("payments" not in asked.system, "nothing of the project stands in the system text")
        for name in ("of", "filters", "parts", "measures", "groups", "step", "from", "to", "before", "order", "limit", "display", "zone"):
            must(name in plan, "the schema of a plan has %s" % name)
        must_be_strict(asked.schema or {})
        must("sql" not in json.dumps(asked.schema).lower(), "there is no SQL in the schema")
        rule = re.search(r"between <(data-[0-9a-f]{32}) \.\.\.> and </\1> is data", asked.system)
        must(rule, "the rule of the fence stands in the system text")
        self.boundary = rule.group(1)
        first = next(text for role, text in asked.turns if role == "user")
        self.repair = asked.last if len(asked.turns) > 1 else None
        fenced = re.compile(r'<%s kind="([^"]*)">\n(.*?)\n</%s>\n' % (self.boundary, self.boundary), re.S)
        self.fenced = dict(fenced.findall(first))
        self.open = fenced.sub("", first)
        must(self.boundary not in self.open, "every fence has its end")
        must(set(self.fenced) >= {"services", "fields with examples of their values"}, "the lists are fenced: %s" % list(self.fenced))
        self.services = json.loads(self.fenced["services"])
        self.fields = json.loads(self.fenced["fields with examples of their values"])
        self.before = json.loads(self.fenced["plan before"]) if "plan before" in self.fenced else None
        lines = self.open.splitlines()
        self.question = json.loads([line for line in lines if line.startswith("Question: ")][-1][10:])
        said = [json.loads(line[17:]) for line in lines if line.startswith("Question before: ")]
        self.question_before = said[0] if said else None
        named = dict(line.split(": ", 1) for line in lines if re.match(r"(Now|Zone): ", line))
        must(set(named) == {"Now", "Zone"}, "the prompt has now and zone")
        self.now, self.zone = instant(named["Now"]), named["Zone"]
        self.midnights = [(words, instant(at)) for words, at in re.findall(r"^(\w{3} \d{4}-\d\d-\d\d.*): (\S+Z)$", first, re.M)]
        must(len(self.midnights) > 14, "the midnights are listed")

    # ---- what recipes say ----

    def service(self, begin):
        found = [name for name in self.services if name.startswith(begin)]
        must(found, "no service %s* is in the fenced list" % begin)
        return found[0]

    def value(self, field, begin):
        found = [one for one in self.fields.get(field, []) if one.startswith(begin)]
        must(found, "no value %s* of %s is in the fenced list: %s" % (begin, field, self.fields.get(field)))
        return found[0]

    def field(self, part):
        found = [name for name in self.fields if part in name]
        must(found, "no field with %s is in the fenced list" % part)
        return found[0]

    def midnight(self, word):
        found = [at for words, at in self.midnights if word in words]
        must(found, "no midnight of %s in the prompt" % word)
        return found[0]

    def day(self, word):
        begin = self.midnight(word)
        return begin, min(at for _, at in self.midnights if at > begin)

    def day_before(self, word):
        end = self.midnight(word)
        return max(at for _, at in self.midnights if at < end), end

    def longest_day(self):
        """The day whose clocks went back."""
        days = sorted(at for _, at in self.midnights)
        found = [(begin, end) for begin, end in zip(days, days[1:]) if end - begin == datetime.timedelta(hours=25)]
        must(found, "no day of 25 hours among the midnights of %s" % self.zone)
        return found[0]

    def today(self):
        return self.midnight("today"), self.now

    def last(self, **length):
        return self.now - datetime.timedelta(**length), self.now

    def plan(self, of, time, display, filters=(), measures=(), groups=(), parts=(), step="none", before=None, order=None, limit=None, is_there=False):
        usual = {"rows": ("newest", 100), "waterfall": ("newest", 20), "table": ("largest", 1000)}.get(display, ("largest", 100))
        return {"of": of, "filters": [condition(*one) for one in filters], "parts": [{"of": what, "filters": [condition(*one) for one in those]} for what, those in parts],
                "measures": [{"kind": one, "field": None, "percentile": None} if isinstance(one, str) else dict({"field": None, "percentile": None}, **one) for one in measures],
                "groups": list(groups), "groups_are_there": is_there, "step": step, "from": text(time[0]), "to": text(time[1]),
                "before": {"from": text(before[0]), "to": text(before[1])} if before else None, "order": order or usual[0], "limit": limit or usual[1],
                "display": display, "zone": self.zone, "time_was_said": True}


# What OpenAI's structured outputs and grammars of local servers take of JSON Schema.
KEYWORDS = {"type", "enum", "properties", "required", "additionalProperties", "items", "description", "pattern", "minimum", "maximum", "minItems", "maxItems"}


def must_be_strict(schema):
    must(set(schema) <= KEYWORDS, "a strict schema has none of %s" % (set(schema) - KEYWORDS))
    if "properties" in schema:
        must(set(schema["required"]) == set(schema["properties"]) and schema["additionalProperties"] is False, "all members are required, and no others: %s" % schema["required"])
    for inner in list(schema.get("properties", {}).values()) + ([schema["items"]] if "items" in schema else []):
        must_be_strict(inner)


def condition(field, test, *values):
    return {"field": field, "test": test, "values": list(values)}


def instant(words):
    return datetime.datetime.fromisoformat(words.replace("Z", "+00:00"))


def text(at):
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def answered(plan, is_follow_up=False, note=""):
    return {"json": {"can_answer": True, "is_follow_up": is_follow_up, "note": note, "plan": plan}}


def declined(note):
    return {"json": {"can_answer": False, "is_follow_up": False, "note": note, "plan": None}}


P95 = {"kind": "percentile", "field": "duration", "percentile": 95}


def follow_up(prompt, **changes):
    must(prompt.before and prompt.question_before, "a follow-up has the plan and the question before")
    return answered(dict(prompt.before, **changes), True)


# Of questions_model.txt: what a model that understood them would say.
RECIPES = {
    "did the payment people have a rough day yesterday? how much blew up": lambda p: answered(
        p.plan("errors", p.day("yesterday"), "number", [("service", "is", p.service("pay"))], ["count"])),
    "who hammered us hardest today, the top five folks please": lambda p: answered(
        p.plan("requests", p.today(), "table", measures=["count"], groups=["user"], limit=5, is_there=True)),
    "give me a feel for how snappy the money part was, hour by hour, yesterday": lambda p: answered(
        p.plan("requests", p.day("yesterday"), "chart", [("service", "is", p.service("pay"))], [P95], step="1h")),
    "what is the storefront moaning about lately (three hours)": lambda p: answered(
        p.plan("errors", p.last(hours=3), "rows", [("service", "is", p.service("web"))]), note="The storefront is the service web."),
    "show me journeys that went from the front to the till and broke there, seven days": lambda p: answered(
        p.plan("spans", p.last(days=7), "waterfall", parts=[("spans", [("service", "is", p.service("web"))]),
                                                            ("spans", [("service", "is", p.service("pay")), ("outcome", "is", "ERROR")])])),
    "was the Indian end of things sluggish on the day the clocks changed": lambda p: answered(
        p.plan("requests", p.longest_day(), "number", [("attribute:cloud.region", "is", p.value("attribute:cloud.region", "ap"))], [P95])),
    "yesterday, did more calls go belly up than on the day ahead of it": lambda p: answered(
        p.plan("requests", p.day("yesterday"), "number", [("outcome", "is", "ERROR")], ["count"], before=p.day_before("yesterday"))),
    "which vouchers do buyers fancy, last seven days": lambda p: answered(
        p.plan("requests", p.last(days=7), "table", measures=["count"], groups=[p.field("coupon")], is_there=True)),
    "same thing, just for the shopfront": lambda p: follow_up(p, filters=[condition("service", "is", p.service("web"))]),
    "narrow that down to yesterday's lot": lambda p: follow_up(p, **{"from": text(p.day("yesterday")[0]), "to": text(p.day("yesterday")[1])}),
    "how many errors did payments have yesterday?": lambda p: answered(
        p.plan("errors", p.day("yesterday"), "number", [("service", "is", p.service("pay"))], ["count"])),
    "why did payments fail yesterday": lambda p: declined("A plan cannot tell causes."),
}


class Script:
    """An answer for LlmServer: by the recipe of the question, else that it cannot."""

    def __init__(self, recipes):
        self.recipes, self.prompts, self.problems = recipes, [], []

    def __call__(self, asked):
        try:
            prompt = Prompt(asked)
        except (Refused, KeyError, ValueError, StopIteration, IndexError) as wrong:
            self.problems.append(str(wrong) or repr(wrong))
            return declined("the prompt is not whole: %s" % wrong)
        self.prompts.append(prompt)
        recipe = self.recipes.get(prompt.question)
        try:
            return recipe(prompt) if recipe else declined("I do not know this.")
        except Refused as wrong:
            self.problems.append("%s: %s" % (prompt.question, wrong))
            return declined(str(wrong))


if __name__ == "__main__":  # PYTHONPATH=tests python3 tests/ask/model_script.py PORT: to try `make bench BENCH=ask` with
    with LlmServer(Script(RECIPES), port=int(sys.argv[1])) as server:
        print("%s and %s, key %s" % (server.url("openai"), server.url("anthropic"), server.key), flush=True)
        server.closes.wait()
