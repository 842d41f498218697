import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Charges cards (POST /charge?order=17&cents=1299&user=u1) at a gateway that belongs to someone else (GATEWAY_URL). There is no
 * telemetry in it: the Java agent adds all, as the OTEL_* variables say.
 */
public final class Payments {
    private static final Logger LOG = Logger.getLogger("payments");
    private static final HttpClient CLIENT = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private static final Duration PATIENCE = Duration.ofMillis(1500);

    static final class ChargeFailed extends RuntimeException {
        ChargeFailed(String message, Throwable cause) {
            super(message, cause);
        }
    }

    private static int charge(String order, String query) {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("GATEWAY_URL") + "?" + query))
                .timeout(PATIENCE).POST(HttpRequest.BodyPublishers.noBody()).build();
        try {
            return CLIENT.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
        } catch (HttpTimeoutException late) {
            throw new ChargeFailed("order " + order + ": no answer of the card gateway within " + PATIENCE.toMillis() + " ms", late);
        } catch (IOException broken) {
            throw new ChargeFailed("order " + order + ": the card gateway cannot be reached", broken);
        } catch (InterruptedException stop) {
            Thread.currentThread().interrupt();
            throw new ChargeFailed("order " + order + ": interrupted", stop);
        }
    }

    private static String parameter(String query, String name) {
        for (String part : query.split("&")) if (part.startsWith(name + "=")) return part.substring(name.length() + 1);
        return "";
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes("UTF-8");
        exchange.sendResponseHeaders(status, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static void handle(HttpExchange exchange) throws IOException {
        String query = exchange.getRequestURI().getQuery(), order = parameter(query, "order");
        try {
            int status = charge(order, query);
            if (status == 200) LOG.info("charged order " + order + " of " + parameter(query, "user") + ": " + parameter(query, "cents") + " cents");
            else LOG.warning("the card of order " + order + " was declined");
            answer(exchange, status == 200 ? 200 : 402, status == 200 ? "charged" : "declined");
        } catch (ChargeFailed failed) {
            LOG.log(Level.SEVERE, "charge failed: " + failed.getMessage(), failed);
            answer(exchange, 504, failed.getMessage());
            throw failed; // on to the agent, which writes it down in the span
        }
    }

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 64);
        server.createContext("/charge", Payments::handle);
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
        LOG.info("payments are open");
    }
}
