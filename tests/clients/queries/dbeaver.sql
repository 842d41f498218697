-- database: 1
SELECT current_database()

-- databases: 1
SELECT base.oid,base.* FROM pg_catalog.pg_database base WHERE 1 = 1 AND datallowconn AND NOT datistemplate OR base.datname ='monoscope' ORDER BY base.datname

-- version: 1
SELECT version()

-- are there enums: 0
SELECT * FROM pg_enum WHERE 1<>1 LIMIT 1

-- has pg_class reltype: 0
SELECT reltype FROM pg_class WHERE 1<>1 LIMIT 1

-- sizes: 1
SELECT base.datname,pg_database_size(base.oid) FROM pg_catalog.pg_database base

-- a setting: 1
select * from pg_catalog.pg_settings where name='standard_conforming_strings'

-- keywords: 1
select string_agg(word, ',' ) from pg_catalog.pg_get_keywords() where word not in ('a','b')

-- schema and user: 1
SELECT current_schema(),session_user

-- search path: 1
SHOW search_path

-- has pg_type typcategory: 0
SELECT typcategory FROM pg_catalog.pg_type WHERE 1<>1 LIMIT 1

-- schemas: 3
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass
ORDER BY nspname

-- types: some
SELECT t.oid,t.*,c.relkind,format_type(nullif(t.typbasetype, 0), t.typtypmod) as made_of, d.description
FROM pg_catalog.pg_type t
LEFT OUTER JOIN pg_catalog.pg_type et ON et.oid=t.typelem
LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid
WHERE t.typname IS NOT NULL
AND (c.relkind IS NULL OR c.relkind = 'c') AND (et.typcategory IS NULL OR et.typcategory <> 'C')

-- tables: 3
SELECT c.oid,c.*,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as bound,  pg_catalog.pg_get_partkeydef(c.oid) as partition_key
FROM pg_catalog.pg_class c
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass
WHERE c.relnamespace=2200 AND c.relkind not in ('i','I','c')

-- columns: some
SELECT c.relname,a.*,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,said.description,dep.objid
FROM pg_catalog.pg_attribute a
INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid)
LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum)
LEFT OUTER JOIN pg_catalog.pg_description said ON (c.oid=said.objoid AND a.attnum = said.objsubid)
LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid
WHERE NOT a.attisdropped AND c.relkind not in ('i','I','c') AND c.oid=16384
ORDER BY a.attnum

-- constraints: 0
SELECT c.oid,c.*,t.relname as of_table,rt.relnamespace as refnamespace,d.description, case when c.contype='c' then "substring"(pg_get_constraintdef(c.oid), 7) else null end text_of_check
FROM pg_catalog.pg_constraint c
INNER JOIN pg_catalog.pg_class t ON t.oid=c.conrelid
LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid=c.confrelid
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_constraint'::regclass
WHERE c.conrelid=16384 ORDER BY c.oid

-- indexes: 0
SELECT i.*,i.indkey as keys,c.relname,c.relnamespace,c.relam,c.reltablespace,tc.relname as of_table,said.description,pg_catalog.pg_get_expr(i.indpred, i.indrelid) as pred_expr,pg_catalog.pg_get_expr(i.indexprs, i.indrelid, true) as expr,pg_catalog.pg_relation_size(i.indexrelid) as bytes,pg_catalog.pg_stat_get_numscans(i.indexrelid) as scans
FROM pg_catalog.pg_index i
INNER JOIN pg_catalog.pg_class c ON c.oid=i.indexrelid
INNER JOIN pg_catalog.pg_class tc ON tc.oid=i.indrelid
LEFT OUTER JOIN pg_catalog.pg_description said ON i.indexrelid=said.objoid
WHERE  i.indrelid=16384 ORDER BY c.relname

-- functions: some
SELECT p.oid as poid,p.*,pg_catalog.pg_get_expr(p.proargdefaults, 0) as arg_defaults,d.description
FROM pg_catalog.pg_proc p
LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=p.oid and d.classoid='pg_proc'::regclass  AND d.objsubid = 0
WHERE p.pronamespace=2200
ORDER BY p.proname

-- aggregates: any
SELECT p.oid AS proc_oid,p.proname AS proc_name,a.* FROM pg_catalog.pg_aggregate a,pg_catalog.pg_proc p WHERE p.oid=a.aggfnoid AND p.pronamespace=2200

-- inheritance: 0
SELECT i.inhrelid relid, pc.relnamespace parent_ns, pc.oid parent_oid, i.inhseqno FROM pg_catalog.pg_inherits i, pg_class rc, pg_class pc WHERE rc.oid=i.inhrelid AND rc.relnamespace=2200 AND pc.oid=i.inhparent

-- sizes of tables: 3
select c.oid,pg_catalog.pg_total_relation_size(c.oid) as total_rel_size,pg_catalog.pg_relation_size(c.oid) as rel_size FROM pg_class c WHERE c.relnamespace=2200

-- extensions: 0
SELECT e.oid, config.tbls, n.nspname as schema_name, e.* FROM pg_catalog.pg_extension e join pg_namespace n on n.oid =e.extnamespace left join (select ARRAY_AGG(ns.nspname || '.' ||  cls.relname) tbls, of_extension from (select unnest(e1.extconfig) oid , e1.oid of_extension from pg_catalog.pg_extension e1 ) c join    pg_class cls on cls.oid = c.oid join pg_namespace ns on ns.oid = cls.relnamespace group by of_extension ) config on config.of_extension = e.oid ORDER BY e.oid

-- roles: some
SELECT a.oid,a.*,pd.description FROM pg_catalog.pg_roles a left join pg_catalog.pg_shdescription pd on a.oid = pd.objoid ORDER BY a.rolname

-- access methods: 2
SELECT am.oid,am.* FROM pg_catalog.pg_am am ORDER BY am.oid

-- encodings: any
SELECT c.contoencoding as encid,pg_catalog.pg_encoding_to_char(c.contoencoding) as encname FROM pg_catalog.pg_conversion c GROUP BY c.contoencoding ORDER BY 2

-- collations: some
SELECT c.oid,c.* FROM pg_catalog.pg_collation c ORDER BY c.oid

-- languages: some
SELECT l.oid,l.* FROM pg_catalog.pg_language l ORDER BY l.oid

-- foreign data wrappers: 0
SELECT l.oid,l.*,p.pronamespace as handler_schema FROM pg_catalog.pg_foreign_data_wrapper l LEFT OUTER JOIN pg_catalog.pg_proc p ON p.oid=l.fdwhandler ORDER BY l.fdwname

-- tablespaces: some
SELECT t.oid,t.*,pg_tablespace_location(t.oid) loc FROM pg_catalog.pg_tablespace t ORDER BY t.oid

-- what could be installed: 0
SELECT name,default_version,installed_version,comment FROM pg_catalog.pg_available_extensions ORDER BY name

-- event triggers: 0
SELECT trigger.*, d.description FROM pg_catalog.pg_event_trigger trigger LEFT OUTER JOIN pg_catalog.pg_description d ON trigger."oid" = d.objoid

-- enum values: 0
SELECT * FROM pg_catalog.pg_enum

-- comment of the database: 0
select description from pg_shdescription join pg_database on objoid = pg_database.oid where datname = 'monoscope'

-- members of a role: 0
SELECT * FROM pg_catalog.pg_auth_members WHERE member=10

-- rights on tables: 0
SELECT * FROM information_schema.table_privileges WHERE table_catalog='monoscope' AND grantee='x'

-- rights on functions: 0
SELECT * FROM information_schema.routine_privileges WHERE specific_catalog='monoscope' AND grantee='x'

-- rights by access lists: 0
SELECT * FROM (SELECT DISTINCT relnamespace, relacl, relname, relkind, (aclexplode(relacl)).grantee as who FROM pg_class WHERE relacl IS NOT NULL AND relnamespace IN ( SELECT oid FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' AND nspname != 'information_schema') UNION ALL SELECT DISTINCT n.oid AS relnamespace, nspacl AS relacl, n.nspname AS relname, cast('C' as "char") AS relkind, (aclexplode(nspacl)).grantee as who FROM pg_catalog.pg_namespace n WHERE n.nspacl IS NOT NULL ) AS tr WHERE tr.who=10 AND tr.relkind IN('S', 'm', 'C')

-- schemas of references: 0
SELECT DISTINCT connamespace FROM pg_catalog.pg_constraint WHERE confrelid=16384

-- parents: 0
SELECT i.*,c.relnamespace FROM pg_catalog.pg_inherits i,pg_catalog.pg_class c WHERE i.inhrelid=16384 AND c.oid=i.inhparent ORDER BY i.inhseqno

-- partition bounds: any
select pg_get_expr(c.relpartbound, c.oid, true) as partition_range from "pg_catalog".pg_class c where relname = 'x' and relnamespace = 2200

-- policies: 0
select * from pg_catalog.pg_policies where schemaname='public' and tablename='otel_metrics'

-- triggers: 0
SELECT x.oid,x.*,d.description FROM pg_catalog.pg_trigger x LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=x.oid AND d.objsubid=0 WHERE x.tgrelid=16384

-- text of a view: 1
SELECT pg_catalog.pg_get_viewdef(16386::oid, true)

-- default rights: 0
SELECT * FROM pg_default_acl WHERE defaclnamespace = 2200

-- sessions: any
SELECT sa.* FROM pg_catalog.pg_stat_activity sa

-- rows: some
SELECT x.* FROM public.otel_metrics x LIMIT 200
