-- What PostgreSQL lacks of TimescaleDB's, exactly as Monoscope means it, so that PostgreSQL can be asked for whole statements.
CREATE FUNCTION time_bucket(width interval, at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN extract(month FROM width) + extract(year FROM width) * 12 > 0
                 THEN timestamptz '2000-01-01 00:00+00' + (floor(((extract(year FROM at AT TIME ZONE 'UTC') - 2000) * 12 + extract(month FROM at AT TIME ZONE 'UTC') - 1)
                      / (extract(month FROM width) + extract(year FROM width) * 12)) * (extract(month FROM width) + extract(year FROM width) * 12))::int * interval '1 month'
                 ELSE date_bin(width, at, timestamptz '2000-01-03 00:00+00') END $$;
CREATE FUNCTION percentile_agg_step(state float8[], x float8) RETURNS float8[] LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN x IS NULL THEN state ELSE state || x END $$;
CREATE AGGREGATE percentile_agg(float8) (SFUNC = percentile_agg_step, STYPE = float8[], INITCOND = '{}');
CREATE FUNCTION approx_percentile(q float8, digest float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
  $$ SELECT percentile_cont(q) WITHIN GROUP (ORDER BY x) FROM unnest(digest) AS x $$;
CREATE FUNCTION distinct_step(state text[], x anyelement) RETURNS text[] LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN x IS NULL OR x::text = ANY (state) THEN state ELSE state || x::text END $$;
CREATE AGGREGATE approx_count_distinct(anyelement) (SFUNC = distinct_step, STYPE = text[], INITCOND = '{}');
CREATE FUNCTION distinct_count(sketch text[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT cardinality(sketch)::bigint $$;
