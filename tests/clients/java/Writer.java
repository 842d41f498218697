import java.io.*;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/**
 * What pgjdbc writes: java Writer. The server is Client's. Batches of inserts, one by one and rewritten into many rows a
 * statement, and CopyManager with text and CSV; with the answer the rows are there. Ends with one line, or with an exception.
 */
public class Writer {
    static final int MANY = 1000;
    static final String INSERT = "INSERT INTO otel_metrics (timestamp, metric_name, value, is_monotonic, attributes) VALUES (?, ?, ?, ?, ?::jsonb)";

    static void check(boolean ok, String words) {
        if (!ok) throw new IllegalStateException(words);
    }

    static void counted(Connection connection, String name, long rows) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT count(*), sum(value) FROM otel_metrics WHERE metric_name = ?")) {
            statement.setString(1, name);
            try (ResultSet found = statement.executeQuery()) {
                check(found.next() && found.getLong(1) == rows && found.getDouble(2) == rows * (rows - 1) / 2.0, name + ": " + found.getLong(1) + " rows");
            }
        }
    }

    static void batch(Connection connection, String name) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
            for (int i = 0; i < MANY; i++) {
                statement.setObject(1, OffsetDateTime.now(ZoneOffset.UTC));
                statement.setString(2, name);
                statement.setDouble(3, i);
                statement.setBoolean(4, true);
                statement.setString(5, "{\"row\": " + i + "}");
                statement.addBatch();
            }
            int[] counts = statement.executeBatch();
            check(counts.length == MANY, name + ": " + counts.length + " counts");
        }
        connection.commit();
        connection.setAutoCommit(true);
        counted(connection, name, MANY);
    }

    public static void main(String[] args) throws Exception {
        long begin = System.nanoTime();
        try (Connection connection = Client.connect("")) {
            batch(connection, "pgjdbc.batch");
            CopyManager copies = connection.unwrap(PGConnection.class).getCopyAPI();
            StringBuilder csv = new StringBuilder("timestamp,metric_name,value\r\n");
            for (int i = 0; i < MANY; i++) csv.append("2026-01-02T03:04:05Z,\"pgjdbc.copy\",").append(i).append("\r\n");
            long rows = copies.copyIn("COPY otel_metrics (timestamp, metric_name, value) FROM STDIN (FORMAT CSV, HEADER MATCH)",
                new ByteArrayInputStream(csv.toString().getBytes(StandardCharsets.UTF_8)));
            check(rows == MANY, "CopyManager: " + rows);
            counted(connection, "pgjdbc.copy", MANY);
            try {
                copies.copyIn("COPY otel_metrics (timestamp, metric_name, value) FROM STDIN", new StringReader("2026-01-01\tx\t1\n2026-01-01\tx\tone\n"));
                check(false, "a word is taken for a number");
            } catch (SQLException refused) {
                check("22P02".equals(refused.getSQLState()) && refused.getMessage().contains("line 2: column value"), refused.toString());
            }
            check(connection.isValid(5), "the connection goes on");
        }
        try (Connection connection = Client.connect("&reWriteBatchedInserts=true")) {
            batch(connection, "pgjdbc.rewritten");
        }
        System.out.printf("pgjdbc writes, %.1f s%n", (System.nanoTime() - begin) / 1e9);
    }
}
