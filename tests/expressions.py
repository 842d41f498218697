"""Expressions of SQL by chance, each of a type that is known: to ask two databases the same.

    for expression in generate(seed=1, count=1000):
        "SELECT %s FROM %s" % (expression.sql, ROWS)

ROWS has rows of every type, with NULLs. Functions whose result has another type here than in PostgreSQL (docs/sql.md) stand in
DOUBLES: there `is_double` is true, and the value may be compared as a number. They are never within another expression."""
import random

# NULLs in the last row; the values avoid what rounds differently.
ROWS = ("(VALUES (1, 7::bigint, 2.5::float8, 1.25::numeric(6,2), 'abc', true, date '2026-03-02', timestamp '2026-03-02 10:20:30.5', "
        "timestamptz '2026-03-02 10:20:30+00', interval '1 day 02:03:04', array[1,2,3], array['a','b'], '{\"a\": 1, \"b\": [1, \"x\"], \"c\": {\"d\": null}}'::jsonb), "
        "(-5, -90000000000, -0.5, 100.00, 'Aß %_x''', false, '2024-02-29', '1999-12-31 23:59:59', '2026-07-01 00:00:00+02', '-1 mons -3 days', "
        "array[5], array['x y','','\"q\"'], '[1, 2.50, \"a\", true]'), "
        "(0, 0, 1e10, 0.00, '', null, '1970-01-01', '2000-01-01 00:00:00', '1969-12-31 12:00:00+00', '00:00:00', array[]::int[], array[null, 'z'], '{}'), "
        "(null, null, null, null, null, null, null, null, null, null, null, null, null)) "
        "AS t(i, l, f, n, s, b, d, ts, tz, v, ai, at, j)")
COLUMNS = {"int4": ["i"], "int8": ["l"], "float8": ["f"], "numeric": ["n"], "text": ["s"], "bool": ["b"], "date": ["d"], "timestamp": ["ts"],
           "timestamptz": ["tz"], "interval": ["v"], "int4[]": ["ai"], "text[]": ["at"], "jsonb": ["j"]}
CONSTANTS = {
    "int4": ["0", "1", "2", "7", "-3", "1000"], "int8": ["5::bigint", "-12345678901", "0::bigint"],
    "float8": ["0.5::float8", "-2::float8", "1e3::float8", "3.25::float8"], "numeric": ["1.5", "0.25", "-10.75", "3.00"],
    "text": ["'a'", "''", "'Hello World'", "'x,y,,z'", "'it''s'", "'Grüße'", "'%b_'", "'b'", "'12'"], "bool": ["true", "false"],
    "date": ["date '2026-01-31'", "'2000-02-29'::date"], "timestamp": ["timestamp '2026-05-06 07:08:09'", "'2024-12-30 00:00'::timestamp"],
    "timestamptz": ["timestamptz '2026-10-25 00:30:00+00'", "'2026-01-01 00:00:00+01'::timestamptz"],
    "interval": ["interval '90 minutes'", "'1 year 2 mons'::interval", "interval '-36 hours'", "interval '2' day"],
    "int4[]": ["array[3,1,2]", "'{1,NULL}'::int[]", "array[1,1]"], "text[]": ["array['a','x']", "'{b,\"c d\"}'::text[]", "string_to_array('p,q', ',')"],
    "jsonb": ["'{\"k\": \"v\", \"n\": 12}'::jsonb", "'[3, 4]'::jsonb", "'\"s\"'::jsonb", "'null'::jsonb", "jsonb_build_object('x', 1, 'y', array[1,2])"],
}
SMALL = {"@1": ["1", "2", "3", "0"], "@p": ["'o'", "'[a-c]+'", "'(b)(c)'", "'x|y'"], "@l": ["'%b%'", "'a_c'", "'A%'", "'%!%%'", "'%'"],
         "@f": ["'day'", "'hour'", "'month'", "'year'", "'minute'", "'quarter'", "'week'"], "@z": ["'UTC'", "'Europe/Berlin'", "'America/New_York'", "'Asia/Kolkata'"],
         "@t": ["'YYYY-MM-DD HH24:MI:SS'", "'FMDay, DD Mon YY'", "'HH12:MI AM'", "'DDD IW Q'", "'FMMonth FMDDth'", "'YYYY\"y\"MM'"],
         "@c": ["'999,990.00'", "'FM9990.99'", "'S0000'", "'9.9MI'", "'FM999PR'", "'00000D0'"], "@d": ["','", "' '", "'b'"],
         "@k": ["'a'", "'k'", "'c'", "'n'"], "@q": ["'{a}'", "'{b,1}'", "'{c,d}'", "'{0}'"],
         "@j": ["'$.a'", "'$.*'", "'$[*]'", "'$.b[*] ? (@ == 1)'", "'strict $.b[0]'", "'$.n + 1'", "'$[0 to 1]'", "'$.b.size()'", "'$.k ? (@ starts with \"v\")'"],
         "@w": ["year", "month", "day", "hour", "minute", "dow", "doy", "week", "quarter", "isodow"]}
N = ["int4", "int8", "float8", "numeric"]
# result type: templates; {type} is an expression of that type, @x one of SMALL.
TEMPLATES = {
    "int4": ["({int4} + {int4})", "({int4} - {int4})", "({int4} * @1)", "({int4} / nullif({int4}, 0))", "({int4} % nullif({int4}, 0))", "(- {int4})", "abs({int4})",
             "length({text})", "octet_length({text})", "strpos({text}, {text})", "position({text} in {text})", "ascii({text})", "cardinality({int4[]})",
             "array_length({text[]}, 1)", "array_position({text[]}, {text})", "({int4[]})[@1]", "({date} - {date})", "coalesce({int4}, {int4})", "nullif({int4}, {int4})",
             "greatest({int4}, {int4})", "least({int4}, {int4}, {int4})", "CASE WHEN {bool} THEN {int4} ELSE {int4} END", "({int4} & {int4})", "({int4} | {int4})",
             "({int4} # {int4})", "(~ {int4})", "({int4} << @1)", "({int4} >> @1)", "mod({int4}, 3)", "extract(@w from {timestamp})::int", "date_part('day', {interval})::int",
             "jsonb_array_length('[1,2]'::jsonb)", "num_nulls({int4}, {text}, {bool})", "bit_length({text})", "regexp_count({text}, @p)", "({bool})::int",
             "round({float8} / 1e9)::int", "gcd({int4}, 12)", "width_bucket({float8}, 0, 10, 5)", "array_upper({int4[]}, 1)", "(@ {int4})"],
    "int8": ["({int8} + {int4})", "({int8} - {int8})", "({int8} / 7)", "({int8} % 10)", "abs({int8})", "({int4})::bigint", "coalesce({int8}, {int4})", "greatest({int8}, {int4})",
             "CASE {int4} WHEN 1 THEN {int8} ELSE {int4} END", "mod({int8}, 11::bigint)", "lcm({int4}, 4::bigint)", "sign({int8})::bigint", "round({numeric})::bigint"],
    "float8": ["({float8} + {float8})", "({float8} * 2)", "({float8} - {int4})", "({float8} / 4)", "abs({float8})", "floor({float8})", "ceil({float8})", "round({float8})", "trunc({float8})",
               "sign({float8})", "sqrt(abs({float8}))", "({int4})::float8", "({numeric})::float8", "coalesce({float8}, 0)", "greatest({float8}, {int4})", "power({int4}, 2)",
               "exp(0::float8)", "ln(10::float8)", "floor({int4})", "date_part('hour', {timestamp})", "(|/ 16)", "cbrt(27::float8)", "({int4} / 2.0::float8)", "nullif({float8}, 0.5)"],
    "numeric": ["({numeric} + {numeric})", "({numeric} - 1)", "({numeric} * {numeric})", "abs({numeric})", "round({numeric}, 1)", "round({int4}::numeric / 1, 2)", "trunc({numeric}, 1)",
                "floor({numeric})", "ceil({numeric})", "round({numeric})", "sign({numeric})", "({int4})::numeric", "({int4})::numeric(8,2)",
                "round({float8}::numeric, 2)", "mod({numeric}, 2)", "div({int4}, 3)", "to_number('1,234.5', '9,999.9')", "- {numeric}", "factorial(@1)"],
    "text": ["({text} || {text})", "({text} || {int4})", "lower({text})", "left({text}, @1)", "right({text}, @1)", "substr({text}, @1)", "substring({text}, @1, 2)",
             "replace({text}, 'b', '-')", "reverse({text})", "repeat({text}, @1)", "lpad({text}, 6, '*')", "rpad({text}, 4)", "trim({text})", "btrim({text}, 'a')", "ltrim({text})",
             "split_part({text}, @d, 2)", "split_part({text}, ',', -1)", "concat({text}, {int4}, {bool})", "concat_ws('-', {text}, {int4}, {text})", "coalesce({text}, 'none')", "nullif({text}, 'a')",
             "CASE WHEN {bool} THEN {text} END", "({int4})::text", "({int8})::text", "({float8})::text", "({numeric})::text", "({bool})::text", "({date})::text", "({timestamp})::text", "({timestamptz})::text",
             "({interval})::text", "({int4[]})::text", "({text[]})::text", "to_char({timestamp}, @t)", "to_char({timestamptz}, @t)", "to_char({numeric}, @c)", "to_char({int4}, @c)",
             "to_char({interval}, 'HH24:MI:SS')", "regexp_replace({text}, @p, '<>')", "regexp_replace({text}, @p, '<>', 'g')", "regexp_substr({text}, @p)",
             "substring({text} from @p)", "translate({text}, 'abc', 'xy')", "md5({text})", "initcap('hello ' || 'wORLD')", "format('%s|%I|%L', {text}, 'a b', {int4})", "quote_literal({text})",
             "quote_ident({text})", "array_to_string({text[]}, @d)", "array_to_string({text[]}, '-', '?')", "array_to_string({int4[]}, ',')", "({jsonb} ->> @k)", "({jsonb} ->> @1)", "({jsonb} #>> @q)",
             "jsonb_typeof({jsonb})", "({jsonb})::text", "greatest({text}, {text})", "least({text}, 'm')", "({text[]})[@1]", "overlay({text} placing 'ZZ' from 1 for @1)", "chr(65 + @1)", "to_hex({int4})",
             "encode('\\x0aff', 'hex')", "starts_with({text}, 'a')::text", "max({text}) over ()", "quote_nullable({text})"],
    "bool": ["({int4} = {int4})", "({int4} <> {int4})", "({int4} < {int8})", "({float8} >= {int4})", "({numeric} > {int4})", "({text} = {text})", "({text} < {text})", "({date} <= {date})", "({timestamp} > {timestamp})",
             "({timestamptz} = {timestamptz})", "({interval} < {interval})", "({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})", "({int4} IS NULL)", "({text} IS NOT NULL)", "({int4} IS DISTINCT FROM {int4})",
             "({text} IS NOT DISTINCT FROM {text})", "({bool} IS TRUE)", "({bool} IS NOT FALSE)", "({bool} IS UNKNOWN)", "({int4} BETWEEN {int4} AND {int4})", "({int4} NOT BETWEEN SYMMETRIC {int4} AND {int4})",
             "({int4} IN (1, 2, {int4}))", "({text} NOT IN ('a', 'b'))", "({text} LIKE @l)", "({text} ILIKE @l)", "({text} NOT LIKE @l ESCAPE '!')", "({text} ILIKE @l ESCAPE '!')", "({text} ~ @p)", "({text} !~* @p)",
             "({text} SIMILAR TO '(a|b)%')", "({int4} = ANY ({int4[]}))", "({int4} <> ALL ({int4[]}))", "({int4} > ANY ({int4[]}))", "({text} LIKE ANY ({text[]}))", "({int4[]} @> {int4[]})", "({int4[]} && array[1])", "({int4[]} = {int4[]})",
             "(({int4}, {text}) = ({int4}, {text}))", "(({int4}, {int4}) < ({int4}, {int4}))", "(({int4}, {text}) IN ((1, 'abc'), (0, '')))", "({jsonb} ? @k)", "({jsonb} ?| array['a','n'])", "({jsonb} @> '{{\"a\": 1}}')", "({jsonb} = {jsonb})",
             "jsonb_path_exists({jsonb}, @j, '{{}}', true)", "({jsonb} @? @j)", "({jsonb} @@ '$.a == 1')", "starts_with({text}, 'A')", "({text} ^@ 'a')", "isfinite({timestamp})", "({int4})::bool", "'yes'::bool",
             "((date '2026-01-31', date '2026-02-28') OVERLAPS (make_date(2026, 1 + @1, 5), date '2026-03-02'))"],
    "date": ["({date} + @1)", "({date} - 3)", "({timestamp})::date", "make_date(2026, 1 + @1, 5)", "greatest({date}, {date})", "coalesce({date}, date '2020-01-01')", "to_date('05 Dec 2000', 'DD Mon YYYY')"],
    "timestamp": ["({timestamp} + {interval})", "({timestamp} - interval '1 hour')", "date_trunc(@f, {timestamp})", "({date} + {interval})", "({timestamptz} AT TIME ZONE @z)", "({date})::timestamp", "date_bin('15 minutes', {timestamp}, timestamp '2001-01-01')",
                  "least({timestamp}, {timestamp})", "make_timestamp(2026, 1, 2, 3, @1, 5.5)", "({date} + time '10:30')"],
    "timestamptz": ["({timestamptz} + interval '2 days')", "({timestamptz} - interval '1 month')", "date_trunc(@f, {timestamptz})", "date_trunc('day', {timestamptz}, @z)", "({timestamp} AT TIME ZONE @z)", "to_timestamp({int4})", "coalesce({timestamptz}, timestamptz '2020-01-01 00:00+00')",
                    "to_timestamp('2026-03-02 10:11', 'YYYY-MM-DD HH24:MI')", "({timestamp})::timestamptz"],
    "interval": ["({interval} + interval '1 hour')", "({interval} * 2)", "(- {interval})", "({timestamp} - {timestamp})", "({timestamptz} - {timestamptz})", "age({timestamp}, {timestamp})", "justify_hours({interval})", "justify_days({interval})", "make_interval(days => @1, hours => 5)",
                 "(interval '1 hour' * {int4})", "({interval} / 2)", "justify_interval({interval})", "date_trunc('hour', {interval})"],
    "int4[]": ["({int4[]} || {int4[]})", "({int4[]} || {int4})", "array[{int4}, {int4}]", "array_append({int4[]}, {int4})", "array_remove({int4[]}, 1)", "array_replace({int4[]}, 1, 9)", "({int4[]})[1:2]", "array_prepend({int4}, {int4[]})", "array_cat({int4[]}, {int4[]})",
               "coalesce({int4[]}, array[0])", "array_positions({int4[]}, 1)"],
    "text[]": ["string_to_array({text}, @d)", "string_to_array({text}, ',', 'y')", "array[{text}, {text}]", "({text[]} || {text[]})", "regexp_match({text}, @p)", "regexp_split_to_array({text}, @p)", "({text[]})[2:]", "array_append({text[]}, {text})"],
    "jsonb": ["({jsonb} -> @k)", "({jsonb} -> @1)", "({jsonb} #> @q)", "jsonb_build_object('a', {int4}, 'b', {text})", "jsonb_build_array({int4}, {text}, {bool})", "to_jsonb({int4})", "to_jsonb({text})", "to_jsonb({int4[]})", "to_jsonb({timestamp})", "to_jsonb({timestamptz})",
              "to_jsonb({bool})", "('{{\"z\": 1}}'::jsonb || {jsonb})", "('{{\"a\": 1, \"k\": 2}}'::jsonb - @k)", "jsonb_set('{{\"a\": {{\"b\": 1}}}}', '{{a,b}}', {jsonb})", "jsonb_strip_nulls({jsonb})", "jsonb_path_query_array({jsonb}, @j, '{{}}', true)", "jsonb_path_query_first({jsonb}, @j, '{{}}', true)",
              "coalesce({jsonb}, '[]')", "('[1,2,3]'::jsonb - @1)", "('{{\"a\": [1]}}'::jsonb #- @q)", "to_jsonb({numeric})", "jsonb_insert('{{\"a\": [0]}}', '{{a,0}}', {jsonb})"],
}
# numeric in PostgreSQL, double precision here
DOUBLES = ["degrees({float8})", "({numeric} / 4)", "({int4} / 2.0)", "avg({int4}) over ()", "extract(@w from {timestamp})", "extract(epoch from {interval})", "sqrt(abs({numeric}))", "ln(2.0)", "log(100.0)", "power({numeric}, 2)", "exp(1.0)", "stddev({int4}) over ()", "({numeric} ^ 2)"]


class Expression:
    def __init__(self, sql, is_double):
        self.sql, self.is_double = sql, is_double


def make(chance, kind, depth):
    if depth <= 0 or chance.random() < 0.15:
        return chance.choice(COLUMNS[kind] * 3 + CONSTANTS[kind])
    return fill(chance, chance.choice(TEMPLATES[kind]), depth)


def fill(chance, template, depth):
    out, at = "", 0
    while at < len(template):
        if template.startswith(("{{", "}}"), at):
            out, at = out + template[at], at + 2
        elif template[at] == "{":
            end = template.index("}", at)
            out, at = out + make(chance, template[at + 1:end], depth - 1), end + 1
        elif template[at:at + 2] in SMALL:
            out, at = out + chance.choice(SMALL[template[at:at + 2]]), at + 2
        else:
            out, at = out + template[at], at + 1
    return out


def generate(seed, count):
    """Every template once at the top, then by chance."""
    chance = random.Random(seed)
    every = [(template, False) for kind in TEMPLATES for template in TEMPLATES[kind]] + [(template, True) for template in DOUBLES]
    for n in range(count):
        template, is_double = every[n] if n < len(every) else chance.choice(every)
        yield Expression(fill(chance, template, 1 if n < len(every) else chance.randint(1, 3)), is_double)
