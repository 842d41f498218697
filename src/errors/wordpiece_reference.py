"""Writes src/errors/vectors/wordpiece.tsv: texts and the numbers that the library "tokenizers" (PyPI, 0.21.0) makes of them.

    python3 src/errors/wordpiece_reference.py .deps/minilm/vocabulary/tokenizer.json

Run by hand when the vocabulary changes. Messages of tests/errors/tuning, one of a group, sentences of many scripts, and random
mixtures of characters."""
import gzip
import json
import os
import random
import sys

from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ["Gateway timeout: café crème brûlée", "ÅNGSTRÖM naïve Straße ŒUVRE ﬁn", "Ошибка подключения к базе данных", "数据库连接失败 timeout", "接続がタイムアウトしました。",
           "데이터베이스 연결 실패 각 갂", "خطأ في الاتصال بقاعدة البيانات", "שגיאה בחיבור למסד הנתונים", "डेटाबेस कनेक्शन विफल", "การเชื่อมต่อล้มเหลว", "Σφάλμα σύνδεσης ΆΈΉ ϓ", "İstanbul IĞDIR ışık",
           "Kết nối cơ sở dữ liệu thất bại", "🚀 deploy failed 🔥🔥", "zero\u200bwidth\u00adsoft\ufeffbom", "tabs\tand\nnew\r\nlines\u00a0and\u2003spaces", "quotes “double” ‘single’ «angle» …", "x" * 99, "x" * 100, "x" * 101,
           "é" * 100, "a_b-c.d/e\\f", "$100 €50 ¥30 £20 ^ ` ~ |", "\u0000null\u0007bell\ufffdbad", "e\u0301combining n\u0303 o\u0308", "𝒽ello 𝟙𝟚𝟛", "ⅷ Ⅻ ½ ² ㎏", "ﷺ", "", "   ", "a", "word " * 200, "ＦＵＬＬ ｗｉｄｔｈ", "Ǆǅǆ ẞ ſ", "\U0001F468\u200d\U0001F469"]


def main():
    tokenizer = Tokenizer.from_file(sys.argv[1])
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    texts, seen = list(SCRIPTS), set()
    with gzip.open(os.path.join(HERE, "..", "..", "tests", "errors", "tuning", "events.ndjson.gz")) as f:
        for line in f:
            event = json.loads(line)
            if event["group"] not in seen:
                seen.add(event["group"])
                texts.append(event["message"][:400])
    rng = random.Random(7)
    pools = [range(32, 127), range(160, 592), range(880, 1200), range(0x1E00, 0x1F00), range(0x2000, 0x2070), range(0x3040, 0x3100), range(0x4E00, 0x4F00), range(0xAC00, 0xAD00)]
    for n in range(250):
        pool = [rng.choice(pools) for _ in range(2)] + [pools[0]]
        texts.append("".join(rng.choice(" " * 2 + chr(rng.choice(rng.choice(pool)))) for _ in range(rng.randint(1, 60))))
    with open(os.path.join(HERE, "vectors", "wordpiece.tsv"), "w") as f:
        for text in texts:
            f.write("%s\t%s\n" % (text.encode().hex(), " ".join(map(str, tokenizer.encode(text).ids))))
    print("%d texts" % len(texts))


main()
