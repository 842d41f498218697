"""Log lines of a program as its programmers would write them, by the standard logging and the OpenTelemetry Python SDK, set up by
the usual variables alone. Prints how many it wrote."""
import logging
import sys

from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

PEOPLE = ["ann", "bob", "carl", "dora", "eve", "fay", "gus", "hal", "ida", "jon"]


def main():
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    set_logger_provider(provider)
    log = logging.getLogger("program")
    log.addHandler(LoggingHandler(logger_provider=provider))
    log.setLevel(logging.DEBUG)
    log.propagate = False
    rounds = int(sys.argv[1])
    for number in range(rounds):
        log.info("order %d of %s was placed in %.1f ms", number, PEOPLE[number % 10], number / 7)
        log.warning("retrying call of 10.0.%d.%d:8080, attempt %d", number % 250, number % 199, number % 3)
        log.debug("cache miss for key %s:%d", PEOPLE[number % 7], number)
        if number % 5 == 0:
            log.error("payment of order %d was refused: card expired", number)
        if number % 9 == 0:
            try:
                raise ValueError("no item %d" % number)
            except ValueError:
                log.exception("cart %d could not be read", number)
    provider.shutdown()
    print(rounds * 3 + (rounds + 4) // 5 + (rounds + 8) // 9)


main()
