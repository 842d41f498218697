import java.math.BigDecimal;
import java.sql.*;
import java.time.*;
import java.util.*;

/**
 * What pgjdbc does with a server: java Client ROWS. The server is that of PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and
 * PGSSLROOTCERT, over TLS. Values of every type go there and come back, in text and in binary; rows are read while they come; a
 * statement is cancelled; DatabaseMetaData is asked all it can be. Ends with one line of JSON, or with an exception.
 */
public class Client {
    static int checks;

    static void check(boolean ok, String words) {
        checks++;
        if (!ok) throw new IllegalStateException(words);
    }

    static void same(Object given, Object got, String words) {
        check(Objects.equals(given, got), words + ": " + given + " came back as " + got);
    }

    static Connection connect(String more) throws SQLException {
        Map<String, String> env = System.getenv();
        return DriverManager.getConnection("jdbc:postgresql://" + env.get("PGHOST") + ":" + env.get("PGPORT") + "/" + env.get("PGDATABASE") +
            "?sslmode=verify-full&sslrootcert=" + env.get("PGSSLROOTCERT") + more, env.get("PGUSER"), env.get("PGPASSWORD"));
    }

    interface Reader {
        Object read(ResultSet rows) throws SQLException;
    }

    /** Sends a value often enough for the driver to prepare the statement by name and to turn to binary. */
    static void back(Connection connection, String type, Object given, Reader reader) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::" + type)) {
            for (int round = 0; round < 7; round++) {
                statement.setObject(1, given);
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next(), "a row");
                    same(given, reader.read(rows), type);
                }
            }
            statement.setObject(1, null);
            try (ResultSet rows = statement.executeQuery()) {
                check(rows.next() && rows.getObject(1) == null, type + " NULL");
            }
        }
    }

    static void array(Connection connection, String type, Object[] given) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::" + type + "[]")) {
            for (int round = 0; round < 7; round++) {
                statement.setArray(1, connection.createArrayOf(type, given));
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next(), "a row");
                    Object[] got = (Object[]) rows.getArray(1).getArray();
                    check(Arrays.equals(given, got), type + "[]: " + Arrays.toString(got));
                }
            }
        }
    }

    static void values(Connection connection) throws SQLException {
        back(connection, "bool", true, rows -> rows.getBoolean(1));
        back(connection, "int2", (short) -32768, rows -> rows.getShort(1));
        back(connection, "int4", -2147483648, rows -> rows.getInt(1));
        back(connection, "int8", Long.MIN_VALUE, rows -> rows.getLong(1));
        back(connection, "float4", -2.25f, rows -> rows.getFloat(1));
        back(connection, "float8", -1e300, rows -> rows.getDouble(1));
        back(connection, "numeric", new BigDecimal("-1234567.25"), rows -> rows.getBigDecimal(1).setScale(2));
        back(connection, "text", "it's \\ \"x\" \u00e4\u20ac\ud83d\ude00", rows -> rows.getString(1));
        back(connection, "varchar", "", rows -> rows.getString(1));
        back(connection, "uuid", UUID.fromString("12345678-1234-5678-1234-567812345678"), rows -> rows.getObject(1));
        back(connection, "date", LocalDate.of(1969, 12, 31), rows -> rows.getObject(1, LocalDate.class));
        back(connection, "time", LocalTime.of(1, 2, 3, 4000), rows -> rows.getObject(1, LocalTime.class));
        back(connection, "timestamp", LocalDateTime.of(2026, 2, 28, 23, 59, 59, 123456000), rows -> rows.getObject(1, LocalDateTime.class));
        back(connection, "timestamptz", OffsetDateTime.of(2026, 2, 28, 23, 59, 59, 123456000, ZoneOffset.UTC), rows -> rows.getObject(1, OffsetDateTime.class));
        array(connection, "int4", new Integer[] {1, null, 3});
        array(connection, "int8", new Long[] {1L << 60});
        array(connection, "text", new String[] {"a", "", "q\"\\,{}", null});
        array(connection, "float8", new Double[] {0.25, -1.5});
        array(connection, "bool", new Boolean[] {true, false});
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::bytea, ?::jsonb, ?::interval")) {
            byte[] bytes = {0, -1, 39, 92};
            for (int round = 0; round < 7; round++) {
                statement.setBytes(1, bytes);
                statement.setString(2, "{\"a\":[1,null]}");
                statement.setString(3, "1 year 3 days 00:00:04");
                try (ResultSet rows = statement.executeQuery()) {
                    check(rows.next() && Arrays.equals(bytes, rows.getBytes(1)), "bytea");
                    same("{\"a\":[1,null]}", rows.getString(2).replace(" ", ""), "jsonb");
                    check(rows.getString(3).contains("1 year"), "interval: " + rows.getString(3));
                }
            }
        }
        try (Statement statement = connection.createStatement();
             ResultSet rows = statement.executeQuery("SELECT * FROM otel_logs_and_spans ORDER BY timestamp LIMIT 1")) {
            ResultSetMetaData columns = rows.getMetaData();
            check(rows.next() && columns.getColumnCount() > 80, columns.getColumnCount() + " columns");
            for (int column = 1; column <= columns.getColumnCount(); column++) {
                rows.getObject(column);
                check(columns.getColumnTypeName(column) != null, "the type of a column");
            }
        }
    }

    static long usedKib() {
        System.gc();
        return (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) / 1024;
    }

    static long stream(Connection connection, int wanted) throws SQLException {
        connection.setAutoCommit(false); // without it the driver reads all rows at once
        long before = usedKib(), most = 0;
        int seen = 0;
        try (PreparedStatement statement = connection.prepareStatement("SELECT n, repeat('x', 200) || n AS word FROM generate_series(1, ?::int) AS n")) {
            statement.setInt(1, wanted);
            statement.setFetchSize(5000);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    seen++;
                    if (seen % 9973 == 1) check(rows.getLong(1) == seen && rows.getString(2).endsWith("x" + seen), "row " + seen);
                    if (seen % Math.max(1, wanted / 5) == 0) most = Math.max(most, usedKib() - before);
                }
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        check(seen == wanted, seen + " of " + wanted + " rows came");
        check(most < 32 * 1024, wanted + " rows grow the client by " + most + " KiB");
        return most;
    }

    static void cancelled(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            String[] outcome = new String[1];
            Thread work = new Thread(() -> {
                try {
                    statement.executeQuery("SELECT sum(a::bigint * b) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b");
                    outcome[0] = "rows";
                } catch (SQLException error) {
                    outcome[0] = error.getSQLState();
                }
            });
            work.start();
            while (work.isAlive()) {
                statement.cancel();
                work.join(50);
            }
            same("57014", outcome[0], "cancelled");
        }
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery("SELECT 1")) {
            check(rows.next(), "the connection goes on");
        }
    }

    static int count(ResultSet rows) throws SQLException {
        int count = 0;
        ResultSetMetaData columns = rows.getMetaData();
        while (rows.next()) {
            for (int column = 1; column <= columns.getColumnCount(); column++) rows.getObject(column);
            count++;
        }
        rows.close();
        return count;
    }

    static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        Set<String> tables = new TreeSet<>();
        try (ResultSet rows = data.getTables(null, "public", "%", new String[] {"TABLE", "VIEW"})) {
            while (rows.next()) tables.add(rows.getString("TABLE_NAME") + " " + rows.getString("TABLE_TYPE"));
        }
        check(tables.containsAll(List.of("otel_logs_and_spans TABLE", "otel_metrics TABLE", "telemetry VIEW")), "tables: " + tables);
        Map<String, Integer> columns = new HashMap<>();
        try (ResultSet rows = data.getColumns(null, "public", "otel_metrics", null)) {
            while (rows.next()) {
                columns.put(rows.getString("COLUMN_NAME"), rows.getInt("DATA_TYPE"));
                if (rows.getString("COLUMN_NAME").equals("timestamp")) same("NO", rows.getString("IS_NULLABLE"), "timestamp");
            }
        }
        same(Types.DOUBLE, columns.get("value"), "the type of value");
        check(columns.get("timestamp") == Types.TIMESTAMP || columns.get("timestamp") == Types.TIMESTAMP_WITH_TIMEZONE, "the type of timestamp");
        check(count(data.getSchemas()) >= 3 && count(data.getCatalogs()) == 1 && count(data.getTableTypes()) > 3 && count(data.getTypeInfo()) > 20, "lists");
        check(count(data.getTables(null, null, "%", null)) > 50 && count(data.getColumns(null, "pg_catalog", "pg_class", "%")) == 33, "the catalog describes itself");
        same(0, count(data.getPrimaryKeys(null, "public", "otel_metrics")), "keys");
        same(0, count(data.getIndexInfo(null, "public", "otel_metrics", false, true)), "indexes");
        same(0, count(data.getImportedKeys(null, "public", "otel_metrics")), "references");
        same(0, count(data.getExportedKeys(null, "public", "otel_metrics")), "references to it");
        count(data.getBestRowIdentifier(null, "public", "otel_metrics", DatabaseMetaData.bestRowSession, true));
        count(data.getVersionColumns(null, "public", "otel_metrics"));
        count(data.getTablePrivileges(null, "public", "%"));
        count(data.getColumnPrivileges(null, "public", "otel_metrics", "%"));
        check(count(data.getFunctions(null, "public", "%")) > 3, "functions");
        count(data.getFunctionColumns(null, "public", "time_bucket", "%"));
        count(data.getProcedures(null, "public", "%"));
        count(data.getProcedureColumns(null, "public", "%", "%"));
        count(data.getUDTs(null, "%", "%", null));
        count(data.getClientInfoProperties());
        check(data.getSQLKeywords().length() > 0 && data.getMaxColumnNameLength() == 63 && data.getDatabaseMajorVersion() >= 15, "words and numbers");
    }

    public static void main(String[] words) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        int rows = Integer.parseInt(words[0]);
        long grown;
        try (Connection connection = connect("")) {
            values(connection);
            metadata(connection);
            grown = stream(connection, rows);
            cancelled(connection);
            try (Statement statement = connection.createStatement()) {
                statement.executeQuery("SELECT nope FROM otel_metrics");
                check(false, "a wrong column is refused");
            } catch (SQLException refused) {
                same("42703", refused.getSQLState(), "a wrong column");
            }
        }
        try (Connection connection = connect("&preferQueryMode=simple")) {
            values(connection);
        }
        System.out.println("{\"client\": \"pgjdbc\", \"version\": \"" + org.postgresql.Driver.class.getPackage().getImplementationVersion() +
            "\", \"checks\": " + checks + ", \"rows\": " + rows + ", \"grown_kib\": " + grown + "}");
    }
}
