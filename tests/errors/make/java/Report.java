import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Random;
import java.util.UUID;

/** What OpenTelemetry's SDK for Java records of what a call throws; values that differ from run to run. */
public final class Report {
    public interface Call {
        void run() throws Throwable;
    }

    private static final Random RUN = new Random(Long.parseLong(System.getenv().getOrDefault("SEED", "0")));
    private static final String[] WORDS =
        "amber birch cobalt delta ember fjord garnet hazel indigo juniper kelp lilac maple nectar onyx pine quartz".split(" ");

    public static int number(int low, int high) {
        return low + RUN.nextInt(high - low);
    }

    public static String word() {
        return WORDS[RUN.nextInt(WORDS.length)] + number(1, 99);
    }

    public static String ident() {
        return new UUID(RUN.nextLong(), RUN.nextLong()).toString();
    }

    private static String json(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }

    public static void report(String defect, Call call) {
        try {
            call.run();
        } catch (Throwable error) {
            StringWriter stack = new StringWriter();
            error.printStackTrace(new PrintWriter(stack));
            System.out.println("{\"defect\":" + json(defect) + ",\"type\":" + json(error.getClass().getName()) + ",\"message\":"
                + json(String.valueOf(error.getMessage())) + ",\"stacktrace\":" + json(stack.toString()) + "}");
            return;
        }
        throw new IllegalStateException("defect " + defect + " threw nothing");
    }

    private Report() {}
}
