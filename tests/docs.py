"""The blocks of code in docs/*.md, for stories that do what the docs tell: block("senders.md", "sh", "export OTEL_") is the text of
the one block of that language that begins so."""
import os
import re

from monoscope import REPO, check


def text(name):
    with open(os.path.join(REPO, "docs", name)) as f:
        return f.read()


def blocks(name):
    """(language, text) of each fenced block."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text(name), re.M | re.S)


def block(name, language, start):
    found = [code for kind, code in blocks(name) if kind == language and code.startswith(start)]
    check(len(found) == 1, "docs/%s has one %s block that begins with %r" % (name, language, start))
    return found[0]
