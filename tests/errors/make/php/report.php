<?php
// What OpenTelemetry's SDK for PHP records of what a call throws; values that differ from run to run.
mt_srand((int) (getenv("SEED") ?: "0"));

function number(int $low = 1, int $high = 99999): int { return mt_rand($low, $high); }
function word(): string { return ["amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "hazel"][mt_rand(0, 7)] . number(1, 99); }
function ident(): string { $text = ""; for ($i = 0; $i < 32; $i++) $text .= dechex(mt_rand(0, 15)); return $text; }

set_error_handler(function ($level, $text, $file, $line) { throw new ErrorException($text, 0, $level, $file, $line); });

/** PHP's own form: the exception as a text, causes after "Next". */
function report(string $defect, callable $call): void
{
    try {
        $call();
    } catch (Throwable $error) {
        echo json_encode(["defect" => $defect, "type" => get_class($error), "message" => $error->getMessage(), "stacktrace" => (string) $error],
            JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE), "\n";
        return;
    }
    throw new LogicException("defect $defect threw nothing");
}
