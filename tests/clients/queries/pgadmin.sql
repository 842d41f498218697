-- who asks, and what it may: 1
SELECT roles.oid as id, roles.rolname as name, roles.rolsuper as is_superuser, CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreaterole END as can_create_role,
       CASE WHEN roles.rolsuper THEN true ELSE roles.rolcreatedb END as can_create_db, roles.rolcanlogin
FROM pg_catalog.pg_roles as roles WHERE rolname = current_user

-- this database: 1
SELECT d.oid as did, d.datname, d.datallowconn, pg_catalog.pg_encoding_to_char(d.encoding) AS serverencoding,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') as cancreate, datistemplate
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()

-- databases: 1
SELECT d.oid as did, d.datname as name, t.spcname as spcname, d.datallowconn, d.datistemplate AS is_template,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') as cancreate, datdba as owner, descr.description
FROM pg_catalog.pg_database d LEFT OUTER JOIN pg_catalog.pg_tablespace t ON d.dattablespace = t.oid
LEFT OUTER JOIN pg_catalog.pg_shdescription descr ON (d.oid = descr.objoid AND descr.classoid = 'pg_database'::regclass)
WHERE d.oid > 0 OR d.datname IN ('postgres', 'edb') ORDER BY datname

-- schemas: 1
SELECT n.oid, n.nspname AS name, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS can_create, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS has_usage
FROM pg_catalog.pg_namespace n WHERE n.nspname NOT LIKE E'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY n.nspname

-- tables: 2
SELECT rel.oid, rel.relname AS name, (SELECT count(*) FROM pg_catalog.pg_trigger WHERE tgrelid = rel.oid AND tgisinternal = FALSE) AS triggercount,
       (SELECT count(1) FROM pg_catalog.pg_inherits WHERE inhrelid = rel.oid LIMIT 1) as is_inherits, des.description
FROM pg_catalog.pg_class rel LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = rel.oid AND des.objsubid = 0 AND des.classoid = 'pg_class'::regclass)
WHERE rel.relkind IN ('r', 's', 't', 'p') AND rel.relnamespace = 2200::oid AND NOT rel.relispartition ORDER BY rel.relname

-- columns: some
SELECT att.attname as name, att.attnum, pg_catalog.format_type(ty.oid, att.atttypmod) AS cltype, att.attnotnull, pg_catalog.pg_get_expr(def.adbin, def.adrelid) AS defval,
       CASE WHEN length(coll.collname::text) > 0 THEN pg_catalog.concat(pg_catalog.quote_ident(nspc.nspname), '.', pg_catalog.quote_ident(coll.collname)) ELSE '' END AS collspcname,
       EXISTS(SELECT 1 FROM pg_catalog.pg_constraint WHERE conrelid = att.attrelid AND contype = 'f' AND att.attnum = ANY(conkey)) AS is_fk
FROM pg_catalog.pg_attribute att JOIN pg_catalog.pg_type ty ON ty.oid = atttypid
LEFT OUTER JOIN pg_catalog.pg_attrdef def ON adrelid = att.attrelid AND adnum = att.attnum
LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = att.attrelid AND des.objsubid = att.attnum AND des.classoid = 'pg_class'::regclass)
LEFT OUTER JOIN pg_catalog.pg_collation coll ON att.attcollation = coll.oid LEFT OUTER JOIN pg_catalog.pg_namespace nspc ON coll.collnamespace = nspc.oid
WHERE att.attrelid = 16385::oid AND att.attnum > 0 AND att.attisdropped IS FALSE ORDER BY att.attnum

-- views: 1
SELECT c.oid, c.relname AS name, description AS comment, pg_catalog.pg_get_viewdef(c.oid, true) AS definition FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description des ON (des.objoid = c.oid and des.objsubid = 0 AND des.classoid = 'pg_class'::regclass)
WHERE c.relkind = 'v' AND c.relnamespace = 2200::oid ORDER BY c.relname

-- functions: some
SELECT pr.oid, pr.proname || '(' || COALESCE(pg_catalog.pg_get_function_identity_arguments(pr.oid), '') || ')' as name, lanname, pg_catalog.pg_get_userbyid(proowner) as funcowner
FROM pg_catalog.pg_proc pr JOIN pg_catalog.pg_type typ ON typ.oid = prorettype JOIN pg_catalog.pg_language lng ON lng.oid = prolang
WHERE pr.prokind IN ('f', 'w') AND pronamespace = 2200::oid AND typname NOT IN ('trigger', 'event_trigger') ORDER BY proname
