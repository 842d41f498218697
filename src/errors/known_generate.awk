# known.tsv --> known_table.h: entries; types and words sorted by their bytes (LC_ALL=C), for bisection.
function text(s) { gsub(/\\/, "\\\\\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
function sort(list, count,   i, k, item) {
    for (i = 2; i <= count; i++) {
        item = list[i]
        for (k = i - 1; k >= 1 && list[k] > item; k--) list[k + 1] = list[k]
        list[k + 1] = item
    }
}
# The longest word of a glob that no star can lengthen: what the message must hold. "": none.
function word_of(glob,   best, at, len, start, before, behind) {
    best = ""
    at = 1
    while (match(substr(glob, at), /[a-z0-9_]+/)) {
        start = at + RSTART - 1
        len = RLENGTH
        before = start > 1 ? substr(glob, start - 1, 1) : ""
        behind = substr(glob, start + len, 1)
        if (before != "*" && before != "?" && behind != "*" && behind != "?" && len > length(best)) best = substr(glob, start, len)
        at = start + len
    }
    return best
}
BEGIN { FS = "\t"; glob_count = 0 }
/^#/ || /^$/ { next }
NF != 6 { print FILENAME ":" FNR ": not six columns" > "/dev/stderr"; exit 1 }
{
    entry = count++
    entries[entry] = "    { " text($1) ", " text($2) ", " text($6) ", " ($5 == "project" ? "true" : "false") " },"
    glob_first = glob_count
    if ($4 != "-") {
        n = split($4, globs, "|")
        for (i = 1; i <= n; i++) {
            glob_list[glob_count] = globs[i] == "(none)" ? "" : globs[i]
            if ($3 == "-") word_list[++word_count] = word_of(globs[i]) "\t" sprintf("%05d", glob_count) "\t" entry
            glob_count++
        }
    }
    if ($3 == "-") next
    n = split($3, types, "|")
    for (i = 1; i <= n; i++) type_list[++type_count] = types[i] "\t" sprintf("%04d", entry) "\t" glob_first "\t" (glob_count - glob_first)
}
END {
    print "/* Made by known_generate.awk of known.tsv. */"
    print "const struct known known_all[] = {"
    for (i = 0; i < count; i++) print entries[i]
    print "};\nconst uint32_t known_count = COUNT_OF(known_all);"
    print "static const char *const known_globs[] = {"
    for (i = 0; i < glob_count; i++) print "    " text(glob_list[i]) ","
    print "};\nstatic const struct known_type {\n    const char *type;\n    uint16_t entry, glob_first, glob_count;\n} known_types[] = {"
    sort(type_list, type_count)
    for (i = 1; i <= type_count; i++) {
        split(type_list[i], part, "\t")
        print "    { " text(part[1]) ", " (part[2] + 0) ", " part[3] ", " part[4] " },"
    }
    print "};\nstatic const struct known_word {\n    const char *word;\n    uint16_t glob, entry;\n} known_words[] = {"
    sort(word_list, word_count)
    for (i = 1; i <= word_count; i++) {
        split(word_list[i], part, "\t")
        print "    { " text(part[1]) ", " (part[2] + 0) ", " part[3] " },"
    }
    print "};"
}
