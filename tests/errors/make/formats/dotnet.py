"""Errors of .NET in its published format (System.Exception.ToString): no runtime of it is among the registries used here.

A defect is a chain of frames; a build renames lambdas, moves lines, puts a helper or middleware between, is async or not."""
import random

DEFECTS = {
    "dotnet-parking": [
        ("bay-not-found", "System.InvalidOperationException", "Sequence contains no elements", ["System.Linq.ThrowHelper.ThrowNoElementsException()", "System.Linq.Enumerable.First[TSource](IEnumerable`1 source)"],
         ["Acme.Parking.Bays.BayStore.First(Guid lot)", "Acme.Parking.Bays.BayService.Assign(String plate)", "Acme.Parking.Web.BaysController.Post(BayRequest request)"]),
        ("plate-missing", "System.NullReferenceException", "Object reference not set to an instance of an object.", [],
         ["Acme.Parking.Bays.BayService.Normalise(String plate)", "Acme.Parking.Bays.BayService.Assign(String plate)", "Acme.Parking.Web.BaysController.Post(BayRequest request)"]),
        ("tariff-unknown", "System.Collections.Generic.KeyNotFoundException", "The given key '{w}' was not present in the dictionary.", ["System.Collections.Generic.Dictionary`2.get_Item(TKey key)"],
         ["Acme.Parking.Tariffs.TariffTable.Price(String zone)", "Acme.Parking.Tariffs.Billing.Quote(String zone, Int32 minutes)", "Acme.Parking.Web.QuotesController.Get(String zone)"]),
        ("minutes-malformed", "System.FormatException", "The input string '{w}' was not in a correct format.", ["System.Number.ThrowFormatException[TChar](ReadOnlySpan`1 value)", "System.Int32.Parse(String s)"],
         ["Acme.Parking.Tariffs.Billing.Minutes(String text)", "Acme.Parking.Web.QuotesController.Get(String zone)"]),
        ("gate-blocked", "Acme.Parking.Gates.GateBlockedException", "gate {n} is blocked by {w}", [],
         ["Acme.Parking.Gates.Gate.Open(Int32 id)", "Acme.Parking.Gates.GateWorker.RunOnce(CancellationToken stop)"]),
        ("gate-offline", "Acme.Parking.Gates.GateOfflineException", "gate {n} is offline since {n} s", [],
         ["Acme.Parking.Gates.Gate.Open(Int32 id)", "Acme.Parking.Gates.GateWorker.RunOnce(CancellationToken stop)"]),
        ("receipt-disposed", "System.ObjectDisposedException", "Cannot access a closed file.", ["System.IO.Strategies.BufferedFileStreamStrategy.Write(Byte[] buffer, Int32 offset, Int32 count)"],
         ["Acme.Parking.Receipts.ReceiptWriter.Append(String line)", "Acme.Parking.Receipts.ReceiptJob.Flush()"]),
    ],
    "dotnet-vineyard": [
        ("barrel-cast", "System.InvalidCastException", "Unable to cast object of type 'System.String' to type 'Vine.Cellar.Barrel'.", [],
         ["Vine.Cellar.Rack.At(Int32 index)", "Vine.Cellar.Inventory.Count(String cellar)", "Vine.Web.CellarController.Index(String cellar)"]),
        ("barrel-index", "System.ArgumentOutOfRangeException", "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')", ["System.Collections.Generic.List`1.get_Item(Int32 index)"],
         ["Vine.Cellar.Rack.At(Int32 index)", "Vine.Cellar.Inventory.Count(String cellar)", "Vine.Web.CellarController.Index(String cellar)"]),
        ("blend-over", "Vine.Blends.BlendException", "blend {w} adds up to {n} percent", [],
         ["Vine.Blends.Blend.Check()", "Vine.Blends.BlendService.Save(Blend blend)", "Vine.Web.BlendsController.Put(Blend blend)"]),
        ("label-null", "System.NullReferenceException", "Object reference not set to an instance of an object.", [],
         ["Vine.Labels.LabelPrinter.Title(Label label)", "Vine.Labels.PrintJob.Run(CancellationToken stop)"]),
        ("harvest-parse", "System.Text.Json.JsonException", "'{w}' is an invalid start of a value. Path: $ | LineNumber: 0 | BytePositionInLine: {n}.", ["System.Text.Json.ThrowHelper.ReThrowWithPath(ReadStack& state, JsonReaderException ex)", "System.Text.Json.JsonSerializer.Deserialize[TValue](String json)"],
         ["Vine.Harvest.Import.Read(String text)", "Vine.Harvest.ImportJob.Run(CancellationToken stop)"]),
        ("acid-divide", "System.DivideByZeroException", "Attempted to divide by zero.", [],
         ["Vine.Blends.Acidity.Mean(Int32 sum, Int32 count)", "Vine.Blends.BlendService.Analyse(Blend blend)", "Vine.Web.BlendsController.Get(Int32 id)"]),
    ],
}
WORDS = "amber birch cobalt delta ember fjord garnet hazel".split()


def frame(function, build, is_async, rng):
    klass, rest = function.split("(")[0].rsplit(".", 1), function.split("(", 1)[1]
    file = "/src/%s.cs" % klass[0].replace(".", "/")
    line = rng.randint(10, 200)
    if is_async:
        return "   at %s.<%s>d__%d.MoveNext() in %s:line %d" % (klass[0], klass[1], rng.randint(1, 30), file, line)
    return "   at %s(%s in %s:line %d" % (function.split("(")[0], rest, file, line)


def stack(app, defect, kind, message, library, own, build):
    rng = random.Random("%s %s %d" % (app, defect, build))
    lines = ["%s: %s" % (kind, message)] + ["   at " + f for f in library]
    is_async = build % 3 == 2
    frames = list(own)
    if build % 4 == 1:  # a helper was put between
        owner = frames[0].split("(")[0].rsplit(".", 1)[0]
        frames.insert(1, owner + "." + ["Guard", "With", "Ensure"][rng.randint(0, 2)] + "(Func`1 body)")
    if build % 4 == 3:  # called from elsewhere
        frames = frames[:-1] + [frames[-1].split("(")[0].rsplit(".", 2)[0] + ".Jobs.NightJob.Execute()"]
    if build % 2 == 1:
        klass = frames[-1].split("(")[0].rsplit(".", 1)[0]
        frames.append("%s.<>c__DisplayClass%d_0.<Run>b__%d()" % (klass, rng.randint(1, 9), rng.randint(0, 4)))
    for f in frames:
        if "<>c__" in f:
            lines.append("   at " + f)
            continue
        lines.append(frame(f, build, is_async, rng))
        if is_async:
            lines.append("--- End of stack trace from previous location ---")
    if build % 2 == 0:
        lines += ["   at Microsoft.AspNetCore.Mvc.Infrastructure.ActionMethodExecutor.SyncActionResultExecutor.Execute(ActionContext actionContext)",
                  "   at Microsoft.AspNetCore.Routing.EndpointMiddleware.Invoke(HttpContext httpContext)"]
    return "\n".join(lines)


def events(app, build, seed):
    rng = random.Random("%s %d %d" % (app, build, seed))
    for defect, kind, message, library, own in DEFECTS[app]:
        while "{" in message and ("{w}" in message or "{n}" in message):
            message = message.replace("{w}", rng.choice(WORDS) + str(rng.randint(1, 99)), 1).replace("{n}", str(rng.randint(1, 9999)), 1)
        yield {"defect": defect, "type": kind, "message": message, "stacktrace": stack(app, defect, kind, message, library, own, build)}
