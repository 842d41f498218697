#include "timefusion/query/catalog.h"

/* The columns are PostgreSQL 15's: clients read `SELECT c.oid, c.*` and look for each by its name. Left out is what no client
 * asks for, and what even PostgreSQL shows to nobody but its superuser. */
#define PG  "pg_catalog"
#define SQL "information_schema"

static const struct catalog_definition definitions[] = {
    { PG, "pg_aggregate", 'r', 2600,
      "aggfnoid=p aggkind=c aggnumdirectargs=s aggtransfn=p aggfinalfn=p aggcombinefn=p aggserialfn=p "
      "aggdeserialfn=p aggmtransfn=p aggminvtransfn=p aggmfinalfn=p aggfinalextra=b aggmfinalextra=b "
      "aggfinalmodify=c aggmfinalmodify=c aggsortop=o aggtranstype=o aggtransspace=i aggmtranstype=o "
      "aggmtransspace=i agginitval:t aggminitval:t" },
    { PG, "pg_am", 'r', 2601, "oid=o amname=n amhandler=p amtype=c" },
    { PG, "pg_attrdef", 'r', 2604, "oid=o adrelid=o adnum=s adbin=N" },
    { PG, "pg_attribute", 'r', 1249,
      "attrelid=o attname=n atttypid=o attstattarget=i attlen=s attnum=s attndims=i attcacheoff=i atttypmod=i "
      "attbyval=b attalign=c attstorage=c attcompression=c attnotnull=b atthasdef=b atthasmissing=b "
      "attidentity=c attgenerated=c attisdropped=b attislocal=b attinhcount=i attcollation=o attacl:A "
      "attoptions:T attfdwoptions:T attmissingval:t" },
    { PG, "pg_auth_members", 'r', 1261, "roleid=o member=o grantor=o admin_option=b" },
    { PG, "pg_available_extension_versions", 'v', 0,
      "name:n version:t installed:b superuser:b trusted:b relocatable:b schema:n requires:X comment:t" },
    { PG, "pg_available_extensions", 'v', 0, "name:n default_version:t installed_version:t comment:t" },
    { PG, "pg_cast", 'r', 2605, "oid=o castsource=o casttarget=o castfunc=o castcontext=c castmethod=c" },
    { PG, "pg_class", 'r', 1259,
      "oid=o relname=n relnamespace=o reltype=o reloftype=o relowner=o relam=o relfilenode=o reltablespace=o "
      "relpages=i reltuples=f relallvisible=i reltoastrelid=o relhasindex=b relisshared=b relpersistence=c "
      "relkind=c relnatts=s relchecks=s relhasrules=b relhastriggers=b relhassubclass=b relrowsecurity=b "
      "relforcerowsecurity=b relispopulated=b relreplident=c relispartition=b relrewrite=o relfrozenxid=x "
      "relminmxid=x relacl:A reloptions:T relpartbound:N" },
    { PG, "pg_collation", 'r', 3456,
      "oid=o collname=n collnamespace=o collowner=o collprovider=c collisdeterministic=b collencoding=i "
      "collcollate:t collctype:t colliculocale:t collversion:t" },
    { PG, "pg_constraint", 'r', 2606,
      "oid=o conname=n connamespace=o contype=c condeferrable=b condeferred=b convalidated=b conrelid=o "
      "contypid=o conindid=o conparentid=o confrelid=o confupdtype=c confdeltype=c confmatchtype=c conislocal=b "
      "coninhcount=i connoinherit=b conkey:S confkey:S conpfeqop:O conppeqop:O conffeqop:O confdelsetcols:S "
      "conexclop:O conbin:N" },
    { PG, "pg_conversion", 'r', 2607,
      "oid=o conname=n connamespace=o conowner=o conforencoding=i contoencoding=i conproc=p condefault=b" },
    { PG, "pg_cursors", 'v', 0, "name:t statement:t is_holdable:b is_binary:b is_scrollable:b creation_time:z" },
    { PG, "pg_database", 'r', 1262,
      "oid=o datname=n datdba=o encoding=i datlocprovider=c datistemplate=b datallowconn=b datconnlimit=i "
      "datfrozenxid=x datminmxid=x dattablespace=o datcollate=t datctype=t daticulocale:t datcollversion:t "
      "datacl:A" },
    { PG, "pg_db_role_setting", 'r', 2964, "setdatabase=o setrole=o setconfig:T" },
    { PG, "pg_default_acl", 'r', 826, "oid=o defaclrole=o defaclnamespace=o defaclobjtype=c defaclacl=A" },
    { PG, "pg_depend", 'r', 2608, "classid=o objid=o objsubid=i refclassid=o refobjid=o refobjsubid=i deptype=c" },
    { PG, "pg_description", 'r', 2609, "objoid=o classoid=o objsubid=i description=t" },
    { PG, "pg_enum", 'r', 3501, "oid=o enumtypid=o enumsortorder=f enumlabel=n" },
    { PG, "pg_event_trigger", 'r', 3466, "oid=o evtname=n evtevent=n evtowner=o evtfoid=o evtenabled=c evttags:T" },
    { PG, "pg_extension", 'r', 3079,
      "oid=o extname=n extowner=o extnamespace=o extrelocatable=b extversion=t extconfig:O extcondition:T" },
    { PG, "pg_foreign_data_wrapper", 'r', 2328,
      "oid=o fdwname=n fdwowner=o fdwhandler=o fdwvalidator=o fdwacl:A fdwoptions:T" },
    { PG, "pg_foreign_server", 'r', 1417,
      "oid=o srvname=n srvowner=o srvfdw=o srvtype:t srvversion:t srvacl:A srvoptions:T" },
    { PG, "pg_foreign_table", 'r', 3118, "ftrelid=o ftserver=o ftoptions:T" },
    { PG, "pg_group", 'v', 0, "groname:n grosysid:o grolist:O" },
    { PG, "pg_index", 'r', 2610,
      "indexrelid=o indrelid=o indnatts=s indnkeyatts=s indisunique=b indnullsnotdistinct=b indisprimary=b "
      "indisexclusion=b indimmediate=b indisclustered=b indisvalid=b indcheckxmin=b indisready=b indislive=b "
      "indisreplident=b indkey=2 indcollation=5 indclass=5 indoption=2 indexprs:N indpred:N" },
    { PG, "pg_indexes", 'v', 0, "schemaname:n tablename:n indexname:n tablespace:n indexdef:t" },
    { PG, "pg_inherits", 'r', 2611, "inhrelid=o inhparent=o inhseqno=i inhdetachpending=b" },
    { PG, "pg_language", 'r', 2612,
      "oid=o lanname=n lanowner=o lanispl=b lanpltrusted=b lanplcallfoid=o laninline=o lanvalidator=o lanacl:A" },
    { PG, "pg_locks", 'v', 0,
      "locktype:t database:o relation:o page:i tuple:s virtualxid:t transactionid:x classid:o objid:o "
      "objsubid:s virtualtransaction:t pid:i mode:t granted:b fastpath:b waitstart:z" },
    { PG, "pg_matviews", 'v', 0,
      "schemaname:n matviewname:n matviewowner:n tablespace:n hasindexes:b ispopulated:b definition:t" },
    { PG, "pg_namespace", 'r', 2615, "oid=o nspname=n nspowner=o nspacl:A" },
    { PG, "pg_opclass", 'r', 2616,
      "oid=o opcmethod=o opcname=n opcnamespace=o opcowner=o opcfamily=o opcintype=o opcdefault=b opckeytype=o" },
    { PG, "pg_operator", 'r', 2617,
      "oid=o oprname=n oprnamespace=o oprowner=o oprkind=c oprcanmerge=b oprcanhash=b oprleft=o oprright=o "
      "oprresult=o oprcom=o oprnegate=o oprcode=p oprrest=p oprjoin=p" },
    { PG, "pg_opfamily", 'r', 2753, "oid=o opfmethod=o opfname=n opfnamespace=o opfowner=o" },
    { PG, "pg_parameter_acl", 'r', 6243, "oid=o parname=t paracl:A" },
    { PG, "pg_partitioned_table", 'r', 3350,
      "partrelid=o partstrat=c partnatts=s partdefid=o partattrs=2 partclass=5 partcollation=5 partexprs:N" },
    { PG, "pg_policies", 'v', 0,
      "schemaname:n tablename:n policyname:n permissive:t roles:X cmd:t qual:t with_check:t" },
    { PG, "pg_policy", 'r', 3256,
      "oid=o polname=n polrelid=o polcmd=c polpermissive=b polroles=O polqual:N polwithcheck:N" },
    { PG, "pg_prepared_statements", 'v', 0,
      "name:t statement:t prepare_time:z parameter_types:t from_sql:b generic_plans:l custom_plans:l" },
    { PG, "pg_prepared_xacts", 'v', 0, "transaction:x gid:t prepared:z owner:n database:n" },
    { PG, "pg_proc", 'r', 1255,
      "oid=o proname=n pronamespace=o proowner=o prolang=o procost=f prorows=f provariadic=o prosupport=p "
      "prokind=c prosecdef=b proleakproof=b proisstrict=b proretset=b provolatile=c proparallel=c pronargs=s "
      "pronargdefaults=s prorettype=o proargtypes=5 proallargtypes:O proargmodes:X proargnames:T "
      "proargdefaults:N protrftypes:O prosrc=t probin:t prosqlbody:N proconfig:T proacl:A" },
    { PG, "pg_publication", 'r', 6104,
      "oid=o pubname=n pubowner=o puballtables=b pubinsert=b pubupdate=b pubdelete=b pubtruncate=b pubviaroot=b" },
    { PG, "pg_publication_namespace", 'r', 6237, "oid=o pnpubid=o pnnspid=o" },
    { PG, "pg_publication_rel", 'r', 6106, "oid=o prpubid=o prrelid=o prqual:N prattrs:2" },
    { PG, "pg_publication_tables", 'v', 0, "pubname:n schemaname:n tablename:n attnames:X rowfilter:t" },
    { PG, "pg_range", 'r', 3541,
      "rngtypid=o rngsubtype=o rngmultitypid=o rngcollation=o rngsubopc=o rngcanonical=p rngsubdiff=p" },
    { PG, "pg_replication_slots", 'v', 0,
      "slot_name:n plugin:n slot_type:t datoid:o database:n temporary:b active:b active_pid:i xmin:x "
      "catalog_xmin:x restart_lsn:t confirmed_flush_lsn:t wal_status:t safe_wal_size:l two_phase:b" },
    { PG, "pg_rewrite", 'r', 2618,
      "oid=o rulename=n ev_class=o ev_type=c ev_enabled=c is_instead=b ev_qual=N ev_action=N" },
    { PG, "pg_roles", 'v', 0,
      "rolname:n rolsuper:b rolinherit:b rolcreaterole:b rolcreatedb:b rolcanlogin:b rolreplication:b "
      "rolconnlimit:i rolpassword:t rolvaliduntil:z rolbypassrls:b rolconfig:T oid:o" },
    { PG, "pg_rules", 'v', 0, "schemaname:n tablename:n rulename:n definition:t" },
    { PG, "pg_seclabel", 'r', 3596, "objoid=o classoid=o objsubid=i provider=t label=t" },
    { PG, "pg_sequence", 'r', 2224,
      "seqrelid=o seqtypid=o seqstart=l seqincrement=l seqmax=l seqmin=l seqcache=l seqcycle=b" },
    { PG, "pg_sequences", 'v', 0,
      "schemaname:n sequencename:n sequenceowner:n data_type:t start_value:l min_value:l max_value:l "
      "increment_by:l cycle:b cache_size:l last_value:l" },
    { PG, "pg_settings", 'v', 0,
      "name:t setting:t unit:t category:t short_desc:t extra_desc:t context:t vartype:t source:t min_val:t "
      "max_val:t enumvals:T boot_val:t reset_val:t sourcefile:t sourceline:i pending_restart:b" },
    { PG, "pg_shdepend", 'r', 1214, "dbid=o classid=o objid=o objsubid=i refclassid=o refobjid=o deptype=c" },
    { PG, "pg_shdescription", 'r', 2396, "objoid=o classoid=o description=t" },
    { PG, "pg_stat_activity", 'v', 0,
      "datid:o datname:n pid:i leader_pid:i usesysid:o usename:n application_name:t client_addr:h "
      "client_hostname:t client_port:i backend_start:z xact_start:z query_start:z state_change:z "
      "wait_event_type:t wait_event:t state:t backend_xid:x backend_xmin:x query_id:l query:t backend_type:t" },
    { PG, "pg_stat_all_indexes", 'v', 0,
      "relid:o indexrelid:o schemaname:n relname:n indexrelname:n idx_scan:l idx_tup_read:l idx_tup_fetch:l" },
    { PG, "pg_stat_all_tables", 'v', 0,
      "relid:o schemaname:n relname:n seq_scan:l seq_tup_read:l idx_scan:l idx_tup_fetch:l n_tup_ins:l "
      "n_tup_upd:l n_tup_del:l n_tup_hot_upd:l n_live_tup:l n_dead_tup:l n_mod_since_analyze:l "
      "n_ins_since_vacuum:l last_vacuum:z last_autovacuum:z last_analyze:z last_autoanalyze:z vacuum_count:l "
      "autovacuum_count:l analyze_count:l autoanalyze_count:l" },
    { PG, "pg_stat_database", 'v', 0,
      "datid:o datname:n numbackends:i xact_commit:l xact_rollback:l blks_read:l blks_hit:l tup_returned:l "
      "tup_fetched:l tup_inserted:l tup_updated:l tup_deleted:l conflicts:l temp_files:l temp_bytes:l "
      "deadlocks:l checksum_failures:l checksum_last_failure:z blk_read_time:d blk_write_time:d session_time:d "
      "active_time:d idle_in_transaction_time:d sessions:l sessions_abandoned:l sessions_fatal:l "
      "sessions_killed:l stats_reset:z" },
    { PG, "pg_stat_gssapi", 'v', 0, "pid:i gss_authenticated:b principal:t encrypted:b" },
    { PG, "pg_stat_replication", 'v', 0,
      "pid:i usesysid:o usename:n application_name:t client_addr:h client_hostname:t client_port:i "
      "backend_start:z backend_xmin:x state:t sent_lsn:t write_lsn:t flush_lsn:t replay_lsn:t write_lag:v "
      "flush_lag:v replay_lag:v sync_priority:i sync_state:t reply_time:z" },
    { PG, "pg_stat_ssl", 'v', 0, "pid:i ssl:b version:t cipher:t bits:i client_dn:t client_serial:t issuer_dn:t" },
    { PG, "pg_stat_user_functions", 'v', 0, "funcid:o schemaname:n funcname:n calls:l total_time:d self_time:d" },
    { PG, "pg_stat_user_indexes", 'v', 0,
      "relid:o indexrelid:o schemaname:n relname:n indexrelname:n idx_scan:l idx_tup_read:l idx_tup_fetch:l" },
    { PG, "pg_stat_user_tables", 'v', 0,
      "relid:o schemaname:n relname:n seq_scan:l seq_tup_read:l idx_scan:l idx_tup_fetch:l n_tup_ins:l "
      "n_tup_upd:l n_tup_del:l n_tup_hot_upd:l n_live_tup:l n_dead_tup:l n_mod_since_analyze:l "
      "n_ins_since_vacuum:l last_vacuum:z last_autovacuum:z last_analyze:z last_autoanalyze:z vacuum_count:l "
      "autovacuum_count:l analyze_count:l autoanalyze_count:l" },
    { PG, "pg_statio_user_tables", 'v', 0,
      "relid:o schemaname:n relname:n heap_blks_read:l heap_blks_hit:l idx_blks_read:l idx_blks_hit:l "
      "toast_blks_read:l toast_blks_hit:l tidx_blks_read:l tidx_blks_hit:l" },
    { PG, "pg_statistic_ext", 'r', 3381,
      "oid=o stxrelid=o stxname=n stxnamespace=o stxowner=o stxstattarget=i stxkeys=2 stxkind=X stxexprs:N" },
    { PG, "pg_subscription", 'r', 6100,
      "oid=o subdbid=o subskiplsn=t subname=n subowner=o subenabled=b subbinary=b substream=b "
      "subtwophasestate=c subdisableonerr=b subconninfo=t subslotname:n subsynccommit=t subpublications=T" },
    { PG, "pg_tables", 'v', 0,
      "schemaname:n tablename:n tableowner:n tablespace:n hasindexes:b hasrules:b hastriggers:b rowsecurity:b" },
    { PG, "pg_tablespace", 'r', 1213, "oid=o spcname=n spcowner=o spcacl:A spcoptions:T" },
    { PG, "pg_timezone_names", 'v', 0, "name:t abbrev:t utc_offset:v is_dst:b" },
    { PG, "pg_trigger", 'r', 2620,
      "oid=o tgrelid=o tgparentid=o tgname=n tgfoid=o tgtype=s tgenabled=c tgisinternal=b tgconstrrelid=o "
      "tgconstrindid=o tgconstraint=o tgdeferrable=b tginitdeferred=b tgnargs=s tgattr=2 tgargs=t tgqual:N "
      "tgoldtable:n tgnewtable:n" },
    { PG, "pg_ts_config", 'r', 3602, "oid=o cfgname=n cfgnamespace=o cfgowner=o cfgparser=o" },
    { PG, "pg_ts_dict", 'r', 3600, "oid=o dictname=n dictnamespace=o dictowner=o dicttemplate=o dictinitoption:t" },
    { PG, "pg_type", 'r', 1247,
      "oid=o typname=n typnamespace=o typowner=o typlen=s typbyval=b typtype=c typcategory=c typispreferred=b "
      "typisdefined=b typdelim=c typrelid=o typsubscript=p typelem=o typarray=o typinput=p typoutput=p "
      "typreceive=p typsend=p typmodin=p typmodout=p typanalyze=p typalign=c typstorage=c typnotnull=b "
      "typbasetype=o typtypmod=i typndims=i typcollation=o typdefaultbin:N typdefault:t typacl:A" },
    { PG, "pg_user", 'v', 0,
      "usename:n usesysid:o usecreatedb:b usesuper:b userepl:b usebypassrls:b passwd:t valuntil:z useconfig:T" },
    { PG, "pg_views", 'v', 0, "schemaname:n viewname:n viewowner:n definition:t" },
    { SQL, "administrable_role_authorizations", 'v', 0, "grantee:I role_name:I is_grantable:Y" },
    { SQL, "applicable_roles", 'v', 0, "grantee:I role_name:I is_grantable:Y" },
    { SQL, "character_sets", 'v', 0,
      "character_set_catalog:I character_set_schema:I character_set_name:I character_repertoire:I form_of_use:I "
      "default_collate_catalog:I default_collate_schema:I default_collate_name:I" },
    { SQL, "check_constraints", 'v', 0, "constraint_catalog:I constraint_schema:I constraint_name:I check_clause:C" },
    { SQL, "collations", 'v', 0, "collation_catalog:I collation_schema:I collation_name:I pad_attribute:C" },
    { SQL, "column_privileges", 'v', 0,
      "grantor:I grantee:I table_catalog:I table_schema:I table_name:I column_name:I privilege_type:C "
      "is_grantable:Y" },
    { SQL, "columns", 'v', 0,
      "table_catalog:I table_schema:I table_name:I column_name:I ordinal_position:K column_default:C "
      "is_nullable:Y data_type:C character_maximum_length:K character_octet_length:K numeric_precision:K "
      "numeric_precision_radix:K numeric_scale:K datetime_precision:K interval_type:C interval_precision:K "
      "character_set_catalog:I character_set_schema:I character_set_name:I collation_catalog:I "
      "collation_schema:I collation_name:I domain_catalog:I domain_schema:I domain_name:I udt_catalog:I "
      "udt_schema:I udt_name:I scope_catalog:I scope_schema:I scope_name:I maximum_cardinality:K "
      "dtd_identifier:I is_self_referencing:Y is_identity:Y identity_generation:C identity_start:C "
      "identity_increment:C identity_maximum:C identity_minimum:C identity_cycle:Y is_generated:C "
      "generation_expression:C is_updatable:Y" },
    { SQL, "constraint_column_usage", 'v', 0,
      "table_catalog:I table_schema:I table_name:I column_name:I constraint_catalog:I constraint_schema:I "
      "constraint_name:I" },
    { SQL, "constraint_table_usage", 'v', 0,
      "table_catalog:I table_schema:I table_name:I constraint_catalog:I constraint_schema:I constraint_name:I" },
    { SQL, "domain_constraints", 'v', 0,
      "constraint_catalog:I constraint_schema:I constraint_name:I domain_catalog:I domain_schema:I "
      "domain_name:I is_deferrable:Y initially_deferred:Y" },
    { SQL, "domains", 'v', 0,
      "domain_catalog:I domain_schema:I domain_name:I data_type:C character_maximum_length:K "
      "character_octet_length:K character_set_catalog:I character_set_schema:I character_set_name:I "
      "collation_catalog:I collation_schema:I collation_name:I numeric_precision:K numeric_precision_radix:K "
      "numeric_scale:K datetime_precision:K interval_type:C interval_precision:K domain_default:C udt_catalog:I "
      "udt_schema:I udt_name:I scope_catalog:I scope_schema:I scope_name:I maximum_cardinality:K "
      "dtd_identifier:I" },
    { SQL, "element_types", 'v', 0,
      "object_catalog:I object_schema:I object_name:I object_type:C collection_type_identifier:I data_type:C "
      "character_maximum_length:K character_octet_length:K character_set_catalog:I character_set_schema:I "
      "character_set_name:I collation_catalog:I collation_schema:I collation_name:I numeric_precision:K "
      "numeric_precision_radix:K numeric_scale:K datetime_precision:K interval_type:C interval_precision:K "
      "domain_default:C udt_catalog:I udt_schema:I udt_name:I scope_catalog:I scope_schema:I scope_name:I "
      "maximum_cardinality:K dtd_identifier:I" },
    { SQL, "enabled_roles", 'v', 0, "role_name:I" },
    { SQL, "foreign_data_wrappers", 'v', 0,
      "foreign_data_wrapper_catalog:I foreign_data_wrapper_name:I authorization_identifier:I library_name:C "
      "foreign_data_wrapper_language:C" },
    { SQL, "foreign_servers", 'v', 0,
      "foreign_server_catalog:I foreign_server_name:I foreign_data_wrapper_catalog:I "
      "foreign_data_wrapper_name:I foreign_server_type:C foreign_server_version:C authorization_identifier:I" },
    { SQL, "foreign_tables", 'v', 0,
      "foreign_table_catalog:I foreign_table_schema:I foreign_table_name:I foreign_server_catalog:I "
      "foreign_server_name:I" },
    { SQL, "information_schema_catalog_name", 'v', 0, "catalog_name:I" },
    { SQL, "key_column_usage", 'v', 0,
      "constraint_catalog:I constraint_schema:I constraint_name:I table_catalog:I table_schema:I table_name:I "
      "column_name:I ordinal_position:K position_in_unique_constraint:K" },
    { SQL, "parameters", 'v', 0,
      "specific_catalog:I specific_schema:I specific_name:I ordinal_position:K parameter_mode:C is_result:Y "
      "as_locator:Y parameter_name:I data_type:C character_maximum_length:K character_octet_length:K "
      "character_set_catalog:I character_set_schema:I character_set_name:I collation_catalog:I "
      "collation_schema:I collation_name:I numeric_precision:K numeric_precision_radix:K numeric_scale:K "
      "datetime_precision:K interval_type:C interval_precision:K udt_catalog:I udt_schema:I udt_name:I "
      "scope_catalog:I scope_schema:I scope_name:I maximum_cardinality:K dtd_identifier:I parameter_default:C" },
    { SQL, "referential_constraints", 'v', 0,
      "constraint_catalog:I constraint_schema:I constraint_name:I unique_constraint_catalog:I "
      "unique_constraint_schema:I unique_constraint_name:I match_option:C update_rule:C delete_rule:C" },
    { SQL, "role_column_grants", 'v', 0,
      "grantor:I grantee:I table_catalog:I table_schema:I table_name:I column_name:I privilege_type:C "
      "is_grantable:Y" },
    { SQL, "role_routine_grants", 'v', 0,
      "grantor:I grantee:I specific_catalog:I specific_schema:I specific_name:I routine_catalog:I "
      "routine_schema:I routine_name:I privilege_type:C is_grantable:Y" },
    { SQL, "role_table_grants", 'v', 0,
      "grantor:I grantee:I table_catalog:I table_schema:I table_name:I privilege_type:C is_grantable:Y "
      "with_hierarchy:Y" },
    { SQL, "role_usage_grants", 'v', 0,
      "grantor:I grantee:I object_catalog:I object_schema:I object_name:I object_type:C privilege_type:C "
      "is_grantable:Y" },
    { SQL, "routine_privileges", 'v', 0,
      "grantor:I grantee:I specific_catalog:I specific_schema:I specific_name:I routine_catalog:I "
      "routine_schema:I routine_name:I privilege_type:C is_grantable:Y" },
    { SQL, "routines", 'v', 0,
      "specific_catalog:I specific_schema:I specific_name:I routine_catalog:I routine_schema:I routine_name:I "
      "routine_type:C module_catalog:I module_schema:I module_name:I udt_catalog:I udt_schema:I udt_name:I "
      "data_type:C character_maximum_length:K character_octet_length:K character_set_catalog:I "
      "character_set_schema:I character_set_name:I collation_catalog:I collation_schema:I collation_name:I "
      "numeric_precision:K numeric_precision_radix:K numeric_scale:K datetime_precision:K interval_type:C "
      "interval_precision:K type_udt_catalog:I type_udt_schema:I type_udt_name:I scope_catalog:I scope_schema:I "
      "scope_name:I maximum_cardinality:K dtd_identifier:I routine_body:C routine_definition:C external_name:C "
      "external_language:C parameter_style:C is_deterministic:Y sql_data_access:C is_null_call:Y sql_path:C "
      "schema_level_routine:Y max_dynamic_result_sets:K is_user_defined_cast:Y is_implicitly_invocable:Y "
      "security_type:C to_sql_specific_catalog:I to_sql_specific_schema:I to_sql_specific_name:I as_locator:Y "
      "created:Z last_altered:Z new_savepoint_level:Y is_udt_dependent:Y result_cast_from_data_type:C "
      "result_cast_as_locator:Y result_cast_char_max_length:K result_cast_char_octet_length:K "
      "result_cast_char_set_catalog:I result_cast_char_set_schema:I result_cast_char_set_name:I "
      "result_cast_collation_catalog:I result_cast_collation_schema:I result_cast_collation_name:I "
      "result_cast_numeric_precision:K result_cast_numeric_precision_radix:K result_cast_numeric_scale:K "
      "result_cast_datetime_precision:K result_cast_interval_type:C result_cast_interval_precision:K "
      "result_cast_type_udt_catalog:I result_cast_type_udt_schema:I result_cast_type_udt_name:I "
      "result_cast_scope_catalog:I result_cast_scope_schema:I result_cast_scope_name:I "
      "result_cast_maximum_cardinality:K result_cast_dtd_identifier:I" },
    { SQL, "schemata", 'v', 0,
      "catalog_name:I schema_name:I schema_owner:I default_character_set_catalog:I "
      "default_character_set_schema:I default_character_set_name:I sql_path:C" },
    { SQL, "sequences", 'v', 0,
      "sequence_catalog:I sequence_schema:I sequence_name:I data_type:C numeric_precision:K "
      "numeric_precision_radix:K numeric_scale:K start_value:C minimum_value:C maximum_value:C increment:C "
      "cycle_option:Y" },
    { SQL, "sql_features", 'r', 0,
      "feature_id:C feature_name:C sub_feature_id:C sub_feature_name:C is_supported:Y is_verified_by:C "
      "comments:C" },
    { SQL, "sql_implementation_info", 'r', 0,
      "implementation_info_id:C implementation_info_name:C integer_value:K character_value:C comments:C" },
    { SQL, "sql_sizing", 'r', 0, "sizing_id:K sizing_name:C supported_value:K comments:C" },
    { SQL, "table_constraints", 'v', 0,
      "constraint_catalog:I constraint_schema:I constraint_name:I table_catalog:I table_schema:I table_name:I "
      "constraint_type:C is_deferrable:Y initially_deferred:Y enforced:Y nulls_distinct:Y" },
    { SQL, "table_privileges", 'v', 0,
      "grantor:I grantee:I table_catalog:I table_schema:I table_name:I privilege_type:C is_grantable:Y "
      "with_hierarchy:Y" },
    { SQL, "tables", 'v', 0,
      "table_catalog:I table_schema:I table_name:I table_type:C self_referencing_column_name:I "
      "reference_generation:C user_defined_type_catalog:I user_defined_type_schema:I user_defined_type_name:I "
      "is_insertable_into:Y is_typed:Y commit_action:C" },
    { SQL, "triggers", 'v', 0,
      "trigger_catalog:I trigger_schema:I trigger_name:I event_manipulation:C event_object_catalog:I "
      "event_object_schema:I event_object_table:I action_order:K action_condition:C action_statement:C "
      "action_orientation:C action_timing:C action_reference_old_table:I action_reference_new_table:I "
      "action_reference_old_row:I action_reference_new_row:I created:Z" },
    { SQL, "usage_privileges", 'v', 0,
      "grantor:I grantee:I object_catalog:I object_schema:I object_name:I object_type:C privilege_type:C "
      "is_grantable:Y" },
    { SQL, "view_column_usage", 'v', 0,
      "view_catalog:I view_schema:I view_name:I table_catalog:I table_schema:I table_name:I column_name:I" },
    { SQL, "view_table_usage", 'v', 0,
      "view_catalog:I view_schema:I view_name:I table_catalog:I table_schema:I table_name:I" },
    { SQL, "views", 'v', 0,
      "table_catalog:I table_schema:I table_name:I view_definition:C check_option:C is_updatable:Y "
      "is_insertable_into:Y is_trigger_updatable:Y is_trigger_deletable:Y is_trigger_insertable_into:Y" },
};

uint32_t catalog_definition_count(void)
{
    return COUNT_OF(definitions);
}

const struct catalog_definition *catalog_definition(uint32_t index)
{
    assert(index < COUNT_OF(definitions));
    return &definitions[index];
}
