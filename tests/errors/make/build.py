"""Sources of an app's builds: a template says what another version of the program does otherwise.

    #== shop/views.py            begins a file
    ⟦a|b|c⟧                    one of them; the first in build 0
    ⟦name=a|b|c⟧               the same choice wherever that name stands
    ⟦+⟧                        alone on a line: up to nine lines of comment in all but build 0

Which is taken hangs on the app, the name and the number of the build alone, so the same template makes the same builds."""
import hashlib
import os
import re

COMMENT = {"py": "#", "rb": "#", "js": "//", "java": "//", "go": "//", "php": "//", "rs": "//", "ts": "//", "cs": "//"}


def pick(app, name, build, count):
    if build == 0 or count == 1:
        return 0
    return hashlib.sha256(("%s %s %d" % (app, name, build)).encode()).digest()[0] % count


def expand(text, app, build):
    place = [0]

    def choice(found):
        place[0] += 1
        words = found.group(1)
        named = re.match(r"(\w+)=", words)
        name = named.group(1) if named else "place %d" % place[0]
        options = (words[named.end():] if named else words).split("|")
        return options[pick(app, name, build, len(options))]
    return re.sub(r"⟦([^⟧\n]*\|[^⟧\n]*)⟧", choice, text)


def shift(text, app, build, comment):
    lines, n = [], 0
    for line in text.split("\n"):
        if line.strip() == "⟦+⟧":
            n += 1
            lines += [comment + " " + "-" * 20] * pick(app, "shift %d" % n, build, 10)
        else:
            lines.append(line)
    return "\n".join(lines)


def files_of(template, app, build):
    """{path: text} of one build."""
    files, path, lines = {}, None, []
    for line in expand(template, app, build).split("\n"):
        found = re.match(r"(?:#|//)== (\S+)$", line)
        if found:
            if path:
                files[path] = lines
            path, lines = found.group(1), []
        else:
            lines.append(line)
    files[path] = lines
    return {path: shift("\n".join(lines), app, build, COMMENT.get(path.rsplit(".", 1)[-1], "#")) for path, lines in files.items()}


def write(folder, files):
    for path, text in files.items():
        path = os.path.join(folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
