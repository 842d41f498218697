-- version: 1
SELECT current_setting('server_version_num')::int / 100 AS version

-- TimescaleDB: 0
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'

-- schemas: 1
SELECT schema_name AS "name" FROM information_schema.schemata
WHERE schema_name NOT IN ('information_schema', 'pg_catalog', 'pg_toast', '_timescaledb_cache', 'timescaledb_information') ORDER BY schema_name

-- tables of a schema: 3
SELECT quote_ident(table_name) AS "table" FROM information_schema.tables WHERE quote_ident(table_schema) = 'public' ORDER BY 1

-- tables, those of the search path first: 3
SELECT CASE WHEN quote_ident(table_schema) IN (
         SELECT CASE WHEN trim(path[n]) = '"$user"' THEN user ELSE trim(path[n]) END
         FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
                              array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS n,
              string_to_array(current_setting('search_path'), ',') path)
       THEN quote_ident(table_name) ELSE quote_ident(table_schema) || '.' || quote_ident(table_name) END AS "table"
FROM information_schema.tables
WHERE quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', '_timescaledb_cache')
ORDER BY CASE WHEN quote_ident(table_schema) IN (
         SELECT CASE WHEN trim(path[n]) = '"$user"' THEN user ELSE trim(path[n]) END
         FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
                              array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS n,
              string_to_array(current_setting('search_path'), ',') path) THEN 0 ELSE 1 END, 1

-- columns: some
SELECT quote_ident(column_name) AS "column", data_type AS "type" FROM information_schema.columns
WHERE CASE WHEN array_length(parse_ident('otel_metrics'), 1) = 2
           THEN quote_ident(table_schema) = (parse_ident('otel_metrics'))[1] AND quote_ident(table_name) = (parse_ident('otel_metrics'))[2]
           ELSE quote_ident(table_name) = 'otel_metrics' AND quote_ident(table_schema) IN (
             SELECT CASE WHEN trim(path[n]) = '"$user"' THEN user ELSE trim(path[n]) END
             FROM generate_series(array_lower(string_to_array(current_setting('search_path'), ','), 1),
                                  array_upper(string_to_array(current_setting('search_path'), ','), 1)) AS n,
                  string_to_array(current_setting('search_path'), ',') path) END

-- a panel without TimescaleDB: some
SELECT floor(extract(epoch from "timestamp") / 60) * 60 AS "time", avg(value) AS "value" FROM otel_metrics
WHERE "timestamp" BETWEEN '2020-01-01T00:00:00Z' AND '2100-01-01T00:00:00Z' GROUP BY 1 ORDER BY 1

-- a panel with it: some
SELECT time_bucket('60.000s', "timestamp") AS "time", metric_name AS metric, avg(value) FROM otel_metrics
WHERE extract(epoch from "timestamp") >= 1500000000 AND extract(epoch from "timestamp") <= 4100000000 GROUP BY 1, 2 ORDER BY 1, 2
