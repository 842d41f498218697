# schemas/NOUN.json --> schema_texts.h: their texts, a C string each.
BEGIN { print "/* Generated from src/web/api/schemas. */\nstatic const struct schema_text {\n    const char *name, *text;\n} schema_texts[] = {" }
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
