# migrations/NNNN_name.sql ... --> the list for db_migrate.c, in the order of the arguments (sorted by the build)
function ends() { if (open_file) print "    }," }
BEGIN {
    print "/* Made by migrations/generate.awk. */"
    print "#pragma once"
    print "#include \"meta/db_migrate.h\""
    print "const struct db_migration db_migrations[] = {"
}
FNR == 1 {
    ends()
    open_file = 1
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.sql$/, "", name)
    number = substr(name, 1, 4) + 0
    if (name !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+$/ || number <= last) {
        print FILENAME ": a migration is named NNNN_name.sql, and each number is there once" > "/dev/stderr"
        exit 1
    }
    last = number
    printf "    { %d, \"%s\",\n", number, substr(name, 6)
}
{
    line = $0
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    printf "        \"%s\\n\"\n", line
}
END {
    ends()
    print "};"
}
