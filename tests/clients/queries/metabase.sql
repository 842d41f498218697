-- time zone: 1
SHOW timezone

-- enums: 0
SELECT nspname, typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid IN (SELECT DISTINCT enumtypid FROM pg_enum e)

-- tables: 3
SELECT "n"."nspname" AS "schema", "c"."relname" AS "name",
       CASE "c"."relkind" WHEN 'r' THEN 'TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' WHEN 'v' THEN 'VIEW' ELSE NULL END AS "type",
       "d"."description" AS "description", "s"."n_live_tup" AS "rows"
FROM "pg_catalog"."pg_class" AS "c" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "c"."relnamespace" = "n"."oid"
LEFT JOIN "pg_catalog"."pg_description" AS "d" ON ("c"."oid" = "d"."objoid") AND ("d"."objsubid" = 0) AND ("d"."classoid" = 'pg_class'::regclass)
LEFT JOIN "pg_stat_user_tables" AS "s" ON ("n"."nspname" = "s"."schemaname") AND ("c"."relname" = "s"."relname")
WHERE ("n"."nspname" !~ '^pg_') AND ("n"."nspname" <> 'information_schema') AND c.relkind in ('r', 'p', 'v', 'f', 'm')
ORDER BY "type" ASC, "schema" ASC, "name" ASC

-- columns: some
SELECT "c"."column_name" AS "name",
       CASE WHEN "c"."udt_schema" IN ('public', 'pg_catalog') THEN FORMAT('%s', "c"."udt_name") ELSE FORMAT('"%s"."%s"', "c"."udt_schema", "c"."udt_name") END AS "type",
       "c"."ordinal_position" - 1 AS "place", "k"."column_name" IS NOT NULL AS "key?",
       COL_DESCRIPTION(CAST(CAST(FORMAT('%I.%I', CAST("c"."table_schema" AS TEXT), CAST("c"."table_name" AS TEXT)) AS REGCLASS) AS OID), "c"."ordinal_position") AS "comment",
       (("column_default" IS NULL) OR (LOWER("column_default") = 'null')) AND ("is_nullable" = 'NO')
         AND NOT ((("column_default" IS NOT NULL) AND ("column_default" LIKE '%nextval(%')) OR ("is_identity" <> 'NO')) AS "required"
FROM "information_schema"."columns" AS "c"
LEFT JOIN (SELECT "t"."table_schema", "t"."table_name", "u"."column_name" FROM "information_schema"."table_constraints" AS "t"
           INNER JOIN "information_schema"."key_column_usage" AS "u" ON ("t"."constraint_name" = "u"."constraint_name") AND ("t"."table_schema" = "u"."table_schema")
           WHERE "t"."constraint_type" = 'PRIMARY KEY') AS "k"
  ON ("c"."table_schema" = "k"."table_schema") AND ("c"."table_name" = "k"."table_name") AND ("c"."column_name" = "k"."column_name")
WHERE c.table_schema !~ '^information_schema|catalog_history|pg_' AND ("c"."table_schema" IN ('public'))
UNION ALL
SELECT "a"."attname", FORMAT('%s', "y"."typname"), "a"."attnum" - 1, FALSE, NULL, FALSE FROM "pg_catalog"."pg_class" AS "p"
INNER JOIN "pg_catalog"."pg_attribute" AS "a" ON "a"."attrelid" = "p"."oid" INNER JOIN "pg_catalog"."pg_type" AS "y" ON "y"."oid" = "a"."atttypid"
WHERE ("p"."relkind" = 'm') AND ("a"."attnum" >= 1) ORDER BY "name" ASC, "place" ASC

-- references: 0
SELECT "f"."relname", "fa"."attname", "p"."relname", "pa"."attname" FROM "pg_constraint" AS "c" INNER JOIN "pg_class" AS "f" ON "c"."conrelid" = "f"."oid"
INNER JOIN "pg_namespace" AS "n" ON "c"."connamespace" = "n"."oid" INNER JOIN "pg_attribute" AS "fa" ON "c"."conrelid" = "fa"."attrelid"
INNER JOIN "pg_class" AS "p" ON "c"."confrelid" = "p"."oid" INNER JOIN "pg_attribute" AS "pa" ON "c"."confrelid" = "pa"."attrelid"
WHERE n.nspname !~ '^information_schema|catalog_history|pg_' AND ("c"."contype" = 'f'::char) AND ("fa"."attnum" = ANY(c.conkey)) AND ("pa"."attnum" = ANY(c.confkey))

-- indexes: 0
SELECT "x"."schema", "x"."table", TRIM(BOTH '"' FROM PG_CATALOG.PG_GET_INDEXDEF("x"."index", "x"."place", FALSE)) AS "field"
FROM (SELECT "n"."nspname" AS "schema", "t"."relname" AS "table", "c"."oid" AS "index", (INFORMATION_SCHEMA._PG_EXPANDARRAY("i"."indkey"))."n" AS "place"
      FROM "pg_catalog"."pg_class" AS "t" INNER JOIN "pg_catalog"."pg_namespace" AS "n" ON "t"."relnamespace" = "n"."oid"
      INNER JOIN "pg_catalog"."pg_index" AS "i" ON "t"."oid" = "i"."indrelid" INNER JOIN "pg_catalog"."pg_class" AS "c" ON "c"."oid" = "i"."indexrelid"
      WHERE (PG_CATALOG.PG_GET_EXPR("i"."indpred", "i"."indrelid") IS NULL)) AS "x" WHERE "x"."place" = 1

-- what may be read: some
with rights as (select t.schemaname as schema, t.objectname as table,
    pg_catalog.has_any_column_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'update') as update,
    pg_catalog.has_table_privilege(current_user, '"' || replace(t.schemaname, '"', '""') || '"' || '.' || '"' || replace(t.objectname, '"', '""') || '"', 'select') as select
  from (select schemaname, tablename as objectname from pg_catalog.pg_tables union select schemaname, viewname from pg_catalog.pg_views
        union select schemaname, matviewname from pg_catalog.pg_matviews) t
  where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage'))
select t.* from rights t where t.select or t.update
