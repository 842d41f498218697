-- version: 1
SELECT version()

-- types: some
SELECT ns.nspname, t.oid, t.typname, t.typtype, t.typnotnull, t.elemtypoid
FROM (SELECT y.oid, y.typnamespace, y.typname, y.typtype, y.typrelid, y.typnotnull, y.relkind, e.oid AS elemtypoid, e.typname AS elemtypname,
             ec.relkind AS elemrelkind, CASE WHEN ep.proname = 'array_recv' THEN 'a' ELSE e.typtype END AS elemtyptype
      FROM (SELECT y.oid, typnamespace, typname, typrelid, typnotnull, relkind, typelem AS elemoid,
                   CASE WHEN p.proname = 'array_recv' THEN 'a' ELSE y.typtype END AS typtype,
                   CASE WHEN p.proname = 'array_recv' THEN y.typelem WHEN y.typtype = 'r' THEN rngsubtype
                        WHEN y.typtype = 'm' THEN (SELECT rngtypid FROM pg_range WHERE rngmultitypid = y.oid)
                        WHEN y.typtype = 'd' THEN y.typbasetype END AS elemtypoid
            FROM pg_type AS y LEFT JOIN pg_class AS c ON (c.oid = y.typrelid) LEFT JOIN pg_proc AS p ON p.oid = y.typreceive
            LEFT JOIN pg_range ON (pg_range.rngtypid = y.oid)) AS y
      LEFT JOIN pg_type AS e ON e.oid = elemtypoid LEFT JOIN pg_class AS ec ON (ec.oid = e.typrelid) LEFT JOIN pg_proc AS ep ON ep.oid = e.typreceive) AS t
JOIN pg_namespace AS ns ON (ns.oid = typnamespace)
WHERE typtype IN ('b', 'r', 'm', 'e', 'd') OR (typtype = 'c' AND relkind = 'c') OR (typtype = 'p' AND typname IN ('record', 'void'))
   OR (typtype = 'a' AND (elemtyptype IN ('b', 'r', 'm', 'e', 'd') OR (elemtyptype = 'p' AND elemtypname IN ('record', 'void')) OR (elemtyptype = 'c' AND elemrelkind = 'c')))
ORDER BY CASE WHEN typtype IN ('b', 'e', 'p') THEN 0 WHEN typtype = 'r' THEN 1 WHEN typtype = 'm' THEN 2 WHEN typtype = 'c' THEN 3
              WHEN typtype = 'd' AND elemtyptype <> 'a' THEN 4 WHEN typtype = 'a' THEN 5 WHEN typtype = 'd' AND elemtyptype = 'a' THEN 6 END

-- fields of composites: 0
SELECT y.oid, a.attname, a.atttypid FROM pg_type AS y JOIN pg_namespace AS n ON (n.oid = y.typnamespace) JOIN pg_class AS c ON (c.oid = y.typrelid)
JOIN pg_attribute AS a ON (a.attrelid = y.typrelid) WHERE (y.typtype = 'c' AND c.relkind = 'c') AND attnum > 0 AND NOT attisdropped ORDER BY y.oid, a.attnum

-- enums: 0
SELECT pg_type.oid, enumlabel FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid ORDER BY oid, enumsortorder
