# schemas/NOUN.json --> schema_texts.h, dashboards/SLUG.yaml --> dashboard_texts.h: their texts, a C string each. -v what=schema
BEGIN { printf "/* Generated from the files that it names. */\nstatic const struct %s_text {\n    const char *name, *text;\n} %s_texts[] = {\n", what, what }
FNR == 1 {
    if (NR > 1) print "    },"
    name = FILENAME
    sub(/.*\//, "", name)
    printf "    { \"%s\",\n", name
}
{
    gsub(/\\/, "\\\\\\\\") # in a replacement, two make one
    gsub(/"/, "\\\"")
    printf "      \"%s\\n\"\n", $0
}
END { print "    },\n};" }
