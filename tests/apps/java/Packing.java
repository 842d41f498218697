import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Packs goods (/pack?item=...) after asking for the stock (NEXT_URL); what is "broken" it cannot pack. There is no telemetry in
 * it: the Java agent adds all, as the OTEL_* variables say. At its end it prints as JSON what it did.
 */
public final class Packing {
    private static final Logger LOG = Logger.getLogger("packing");
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final AtomicInteger requests = new AtomicInteger();
    private static final AtomicInteger calls = new AtomicInteger();
    private static final AtomicInteger logs = new AtomicInteger();

    private static String pack(String item) throws IOException, InterruptedException {
        logs.incrementAndGet();
        LOG.info("packing " + item);
        if (item.equals("broken")) throw new IllegalStateException("cannot pack what is broken");
        calls.incrementAndGet();
        URI stock = URI.create(System.getenv("NEXT_URL") + "?item=" + item);
        HttpResponse<String> answer = CLIENT.send(HttpRequest.newBuilder(stock).build(), HttpResponse.BodyHandlers.ofString());
        return "1 of " + answer.body();
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes("UTF-8");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static void handle(HttpExchange exchange) throws IOException {
        requests.incrementAndGet();
        String item = exchange.getRequestURI().getQuery().substring("item=".length());
        try {
            answer(exchange, 200, pack(item));
        } catch (IllegalStateException error) {
            logs.incrementAndGet();
            LOG.log(Level.SEVERE, "not packed: " + item, error);
            answer(exchange, 500, error.getMessage());
            throw error; // on to the agent, which writes it down in the span
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
        server.createContext("/pack", Packing::handle);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.printf(
                "{\"spans\": {\"server\": %d, \"client\": %d}, \"logs\": %d}%n", requests.get(), calls.get(), logs.get())));
    }
}
