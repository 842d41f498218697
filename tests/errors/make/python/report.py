"""What OpenTelemetry's SDK for Python would record of what a call raises; values that differ from run to run."""
import asyncio
import json
import os
import random
import threading
import traceback
import uuid

run = random.Random(int(os.environ.get("SEED", "0")))


def number(low=1, high=99999):
    return run.randint(low, high)


def word():
    return run.choice("amber birch cobalt delta ember fjord garnet hazel indigo juniper kelp lilac maple nectar onyx pine quartz".split()) + str(number(1, 99))


def ident():
    return str(uuid.UUID(int=run.getrandbits(128)))


def money():
    return "%d.%02d" % (number(1, 900), number(0, 99))


def report(defect, call):
    try:
        call()
    except BaseException as error:
        kind = type(error)
        name = kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else kind.__module__ + "." + kind.__qualname__
        print(json.dumps({"defect": defect, "type": name, "message": str(error), "stacktrace": traceback.format_exc()}), flush=True)
        return
    raise SystemExit("defect %s raised nothing" % defect)


def in_thread(call):
    """Runs it on another thread and raises here what it raised there."""
    box = []

    def body():
        try:
            call()
        except BaseException as error:
            box.append(error)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    raise box[0]


def in_loop(call):
    async def main():
        await asyncio.sleep(0)
        call()
    asyncio.run(main())
