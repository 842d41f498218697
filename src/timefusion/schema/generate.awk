# Makes schema_columns.h from schemas/*.schema: per table an enum of its columns and an X-macro list of them.
# Input: lines "name type flags...", # starts a comment. A column's place is its Parquet field id, so order is kept.
BEGIN {
    split("date timestamptz uuid text json integer bigint double boolean text[] bigint[] double[]", known, " ")
    for (i in known) {
        type = toupper(known[i])
        sub(/\[\]$/, "_LIST", type)
        types[known[i]] = "SCHEMA_TYPE_" type
    }
    flag_names["not_null"] = "SCHEMA_NOT_NULL"
    flag_names["bloom"] = "SCHEMA_BLOOM"
    flag_names["partition"] = "SCHEMA_PARTITION"
    flag_names["derived"] = "SCHEMA_DERIVED"
    print "/* schema_columns.h -- made by generate.awk from schemas/: do not edit. X(name, type, flags). */"
    print "#pragma once"
}
function fail(why)
{
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    failed = 1
    exit 1
}
function table_end(   i)
{
    if (table == "") return
    printf "\n#define %s_COLUMNS(X)", table
    for (i = 1; i <= count; i++) printf " \\\n    X(%s, %s, %s)", names[i], column_types[i], flags[i]
    printf "\n\nenum %s_column {\n", tolower(table)
    for (i = 1; i <= count; i++) printf "    %s_%s,\n", table, names[i]
    printf "    %s_COLUMN_COUNT\n};\n", table
}
FNR == 1 {
    table_end()
    table = FILENAME
    sub(/.*\//, "", table)
    sub(/\.schema$/, "", table)
    sub(/^otel_/, "", table)
    table = toupper(table)
    count = 0
    delete seen
}
{ sub(/#.*/, "") }
NF == 0 { next }
NF == 1 { fail("column \"" $1 "\" has no type") }
{
    if ($1 !~ /^[a-z_][a-z0-9_]*$/) fail("bad column name \"" $1 "\"")
    if ($1 in seen) fail("column \"" $1 "\" stands twice")
    if (!($2 in types)) fail("unknown type \"" $2 "\"")
    seen[$1] = 1
    names[++count] = $1
    column_types[count] = types[$2]
    list = ""
    for (i = 3; i <= NF; i++) {
        if (!($i in flag_names)) fail("unknown flag \"" $i "\"")
        list = list (list == "" ? "" : " | ") flag_names[$i]
    }
    flags[count] = list == "" ? "0" : list
}
END {
    if (failed) exit 1
    table_end()
}
