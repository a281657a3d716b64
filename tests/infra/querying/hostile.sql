## files
SELECT * FROM read_csv('{secret}')
SELECT * FROM read_csv_auto('{secret}')
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_json('{secret}')
SELECT * FROM read_json_auto('/etc/hosts')
SELECT * FROM read_ndjson('/etc/hosts')
SELECT * FROM read_json_objects('/etc/hosts')
SELECT * FROM read_ndjson_objects('/etc/hosts')
SELECT * FROM read_parquet('{data}/**/*.parquet')
SELECT * FROM parquet_scan('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_metadata('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_schema('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_file_metadata('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_kv_metadata('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_full_metadata('{data}/raw_orders/orders/*.parquet')
SELECT * FROM parquet_bloom_probe('{data}/x.parquet', 'id', 1)
SELECT * FROM read_duckdb('{secret}')
SELECT * FROM sniff_csv('{secret}')
SELECT * FROM glob('/etc/*')
SELECT * FROM glob('{data}/**')
SELECT * FROM main.read_csv('{secret}')
SELECT * FROM system.main.read_csv('{secret}')
SELECT * FROM "read_csv"('{secret}')
SELECT * FROM READ_CSV('{secret}')
SELECT content FROM read_text(['/etc/passwd', '/etc/hosts'])
SELECT getenv('HOME')
SELECT (SELECT content FROM read_text('/etc/passwd'))
SELECT * FROM sqlite_scan('{catalog}', 'ducklake_table')
SELECT * FROM sqlite_query('{catalog}', 'SELECT * FROM ducklake_table')
CALL sqlite_attach('{catalog}')
SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')
SELECT * FROM 'https://example.org/x.parquet'
SELECT * FROM 's3://bucket/x.parquet'
## names of files
SELECT * FROM '{secret}'
FROM '/etc/passwd'
SELECT * FROM "secret.csv"
SELECT * FROM '{data}/raw_orders/orders/*.parquet'
SELECT * FROM "/etc"."passwd"
SELECT * FROM raw_orders."orders.parquet"
TABLE '{secret}'
DESCRIBE '{secret}'
SUMMARIZE '{secret}'
DESCRIBE SELECT * FROM read_csv('{secret}')
SUMMARIZE FROM read_csv('{secret}')
EXPLAIN SELECT * FROM '{secret}'
PIVOT '{secret}' ON a IN (1) USING count(*)
UNPIVOT '{secret}' ON password
## where a row is kept
SELECT filename FROM raw_orders.orders
SELECT o.filename FROM raw_orders.orders o
SELECT o."FileName" FROM raw_orders.orders o
SELECT length(filename) FROM raw_orders.orders
SELECT count(*) FROM raw_orders.orders WHERE filename LIKE '%a%'
SELECT * FROM raw_orders.orders a JOIN raw_orders.orders b USING (filename)
SELECT id FROM raw_orders.orders ORDER BY filename
SELECT id FROM raw_orders.orders GROUP BY id, filename
UNPIVOT raw_orders.orders ON filename
PIVOT raw_orders.orders ON filename IN ('a')
SELECT f.filename, o.filename FROM raw_files.files f, raw_orders.orders o
SELECT (SELECT filename FROM raw_orders.orders LIMIT 1) FROM raw_files.files
## writing files
COPY (SELECT 1) TO '/tmp/never-written.csv'
COPY raw_orders.orders TO '{data}/never-written.parquet'
COPY raw_orders.orders FROM '{secret}'
EXPORT DATABASE '{data}/never-written'
IMPORT DATABASE '{data}'
EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/never-written.csv'
EXPLAIN COPY (SELECT 1) TO '/tmp/never-written.csv'
FROM raw_orders.orders; COPY (SELECT 1) TO '/tmp/never-written.csv'
SELECT write_log('x')
SELECT * FROM enable_logging()
CALL enable_logging(storage_path => '{data}')
CALL enable_profiling()
## settings
SET memory_limit = '100GB'
SET GLOBAL threads = 64
RESET memory_limit
SET VARIABLE a = 1
SET SESSION search_path = 'x'
RESET ALL
PRAGMA database_list
PRAGMA memory_limit = '1GB'
PRAGMA version
PRAGMA enable_profiling
SELECT current_setting('allowed_directories')
SELECT getvariable('a')
SELECT * FROM duckdb_settings()
SELECT * FROM pragma_version()
SELECT * FROM pragma_user_agent()
SELECT setseed(0.5)
USE memory
USE lake.marts
LOAD httpfs
INSTALL httpfs
FORCE INSTALL httpfs FROM community
UPDATE EXTENSIONS
CREATE SECRET s (TYPE s3)
DROP SECRET s
## changing data
INSERT INTO raw_orders.orders VALUES (1)
INSERT INTO raw_orders.orders SELECT * FROM raw_orders.orders
INSERT OR REPLACE INTO raw_orders.orders VALUES (1)
UPDATE raw_orders.orders SET id = 1
DELETE FROM raw_orders.orders
TRUNCATE raw_orders.orders
MERGE INTO raw_orders.orders USING raw_orders.orders AS s USING (id) WHEN MATCHED THEN DELETE
WITH x AS (DELETE FROM raw_orders.orders RETURNING *) SELECT * FROM x
WITH x AS (INSERT INTO raw_orders.orders VALUES (1) RETURNING *) FROM x
WITH x AS (UPDATE raw_orders.orders SET id = 1 RETURNING *) SELECT 1
WITH x AS (SELECT 1) DELETE FROM raw_orders.orders
WITH x AS (SELECT 1) INSERT INTO raw_orders.orders SELECT * FROM x
SELECT * INTO raw_orders.copy FROM raw_orders.orders
INSERT INTO raw_orders.orders VALUES (1) RETURNING *
## changing structure
CREATE TABLE t AS SELECT 1
CREATE TEMP TABLE t AS SELECT 1
CREATE TABLE raw_orders.t (a INT)
CREATE OR REPLACE VIEW marts.daily AS SELECT 1
CREATE TEMP MACRO m() AS 1
CREATE MACRO upper(x) AS x
CREATE MACRO t() AS TABLE SELECT * FROM read_csv('{secret}')
CREATE SCHEMA s
CREATE SEQUENCE s
CREATE TYPE t AS ENUM ('a')
CREATE INDEX i ON raw_orders.orders (id)
CREATE FUNCTION f() AS 1
ALTER TABLE raw_orders.orders ADD COLUMN x INT
ALTER TABLE raw_orders.orders RENAME TO y
DROP TABLE raw_orders.orders
DROP SCHEMA raw_orders CASCADE
DROP VIEW marts.daily
COMMENT ON TABLE raw_orders.orders IS 'x'
## databases
ATTACH '{catalog}' AS other
ATTACH ':memory:' AS other
ATTACH 'ducklake:sqlite:{catalog}' AS other
ATTACH IF NOT EXISTS '/tmp/x.db'
DETACH lake
DETACH DATABASE IF EXISTS lake
COPY FROM DATABASE lake TO memory
CHECKPOINT
FORCE CHECKPOINT lake
VACUUM
VACUUM ANALYZE raw_orders.orders
ANALYZE
BEGIN
BEGIN TRANSACTION
COMMIT
ROLLBACK
SELECT nextval('s')
SELECT currval('s')
SELECT txid_current()
## SQL in strings
SELECT * FROM query('SELECT * FROM duckdb_settings()')
SELECT * FROM query('FROM raw_orders.orders')
SELECT * FROM query_table('raw_orders.orders')
SELECT * FROM query_table(['{secret}'])
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))
SELECT json_serialize_sql('SELECT 1')
SELECT json_serialize_plan('SELECT * FROM raw_orders.orders')
SELECT json_deserialize_sql('{{}}')
PRAGMA json_execute_serialized_sql('x')
SELECT * FROM histogram('{secret}', password)
SELECT * FROM histogram_values(raw_orders.orders, id)
SELECT * FROM python_map_function(TABLE raw_orders.orders)
PREPARE p AS SELECT 1
EXECUTE p
EXECUTE p(1)
DEALLOCATE p
CALL duckdb_settings()
SELECT ?
SELECT $1
SELECT $name
SELECT * FROM raw_orders.orders WHERE id = ?
SELECT cast_to_type(1, NULL::VARCHAR)
SELECT error('x')
## catalogue
SELECT * FROM information_schema.tables
SELECT * FROM lake.information_schema.columns
SELECT * FROM pg_catalog.pg_tables
SELECT * FROM pg_class
SELECT * FROM sqlite_master
SELECT * FROM sqlite_schema
SELECT * FROM duckdb_tables
SELECT * FROM duckdb_tables()
SELECT * FROM duckdb_databases()
SELECT * FROM duckdb_secrets()
SELECT * FROM duckdb_columns
SELECT * FROM duckdb_views()
SELECT * FROM duckdb_functions()
SELECT * FROM duckdb_logs()
SELECT * FROM duckdb_logs
SELECT * FROM duckdb_temporary_files()
SELECT * FROM duckdb_memory()
SELECT * FROM duckdb_extensions()
SELECT * FROM duckdb_external_file_cache()
SELECT * FROM duckdb_prepared_statements()
SELECT * FROM duckdb_profiling_settings()
SELECT * FROM which_secret('s3://a', 's3')
SELECT * FROM pragma_database_size()
SELECT * FROM pragma_table_info('raw_orders.orders')
SELECT * FROM pragma_storage_info('raw_orders.orders')
SELECT * FROM __ducklake_metadata_lake.ducklake_table
SELECT * FROM __ducklake_metadata_lake.main.ducklake_data_file
SELECT * FROM "__ducklake_metadata_lake"."ducklake_metadata"
SELECT * FROM __DUCKLAKE_METADATA_LAKE.ducklake_snapshot
SELECT * FROM ducklake_snapshots('lake')
SELECT * FROM ducklake_table_info('lake')
SELECT * FROM ducklake_list_files('lake', 'orders', schema => 'raw_orders')
SELECT * FROM ducklake_table_changes('lake', 'raw_orders', 'orders', 0, 9)
SELECT * FROM ducklake_options('lake')
SELECT * FROM ducklake_settings('lake')
SELECT * FROM lake.snapshots()
SELECT * FROM lake.options()
CALL lake.snapshots()
CALL lake.set_commit_message('a', 'b')
CALL ducklake_expire_snapshots('lake', older_than => now())
CALL ducklake_cleanup_old_files('lake', cleanup_all => true)
SELECT * FROM ducklake_add_data_files('lake', 'orders', '{secret}')
SELECT * FROM ducklake_delete_orphaned_files('lake')
SELECT * FROM seq_scan()
SELECT * FROM arrow_scan(1, 2, 3)
SELECT * FROM pandas_scan(1)
SELECT * FROM test_all_types()
SELECT pg_get_viewdef(1)
SELECT get_block_size('lake')
SELECT current_query()
SELECT pg_catalog.pg_get_constraintdef(1)
SELECT has_table_privilege('x', 'y')
SELECT inet_server_addr()
SHOW DATABASES
SHOW SCHEMAS
SHOW VARIABLES
SHOW raw_orders.orders
SELECT * FROM (SHOW TABLES)
SELECT * FROM (SHOW DATABASES)
SELECT * FROM (DESCRIBE duckdb_settings)
SELECT stats(id) FROM raw_orders.orders
SELECT in_search_path('a', 'b')
SELECT pg_sleep(60)
SELECT sleep_ms(60000)
SELECT enum_range(NULL::x), parse_duckdb_log_message('a', 'b')
## names that hide others
WITH "{secret}" AS (SELECT * FROM "{secret}") SELECT * FROM "{secret}"
WITH a AS (WITH "x.csv" AS (SELECT 1) SELECT 1) SELECT * FROM "x.csv"
WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a
SELECT * FROM (WITH hidden AS (SELECT 1) SELECT 1), hidden
(WITH hidden AS (SELECT 1) SELECT * FROM hidden) UNION ALL SELECT * FROM hidden
WITH RECURSIVE t AS (SELECT * FROM t) SELECT * FROM t
WITH RECURSIVE t AS (SELECT * FROM t UNION ALL SELECT 1) SELECT * FROM t
WITH orders AS (SELECT 1) SELECT * FROM main.orders
WITH duckdb_settings AS (SELECT 1) SELECT * FROM duckdb_settings()
WITH duckdb_settings AS (SELECT 1) SELECT * FROM main.duckdb_settings
WITH t AS (SELECT 1) SELECT * FROM lake.t
SELECT * FROM raw_orders.orders, LATERAL (SELECT * FROM read_text('/etc/passwd'))
SELECT * FROM raw_orders.orders o, read_csv(o.customer)
SELECT * FROM raw_orders.orders WHERE id IN (SELECT 1 FROM duckdb_settings())
SELECT * FROM raw_orders.orders ORDER BY (SELECT max(value) FROM duckdb_settings())
SELECT * FROM raw_orders.orders LIMIT (SELECT count(*) FROM duckdb_settings())
SELECT * FROM raw_orders.orders QUALIFY (SELECT true FROM duckdb_settings())
SELECT sum(id) FILTER (WHERE (SELECT true FROM duckdb_logs())) FROM raw_orders.orders
SELECT sum(id) OVER (ORDER BY (SELECT name FROM duckdb_settings())) FROM raw_orders.orders
SELECT [x FOR x IN (SELECT list(name) FROM duckdb_settings())]
SELECT list_transform([1], lambda x: getenv('HOME'))
SELECT list_transform([1], x -> current_setting('home_directory'))
SELECT CASE WHEN true THEN current_setting('threads') END
SELECT COLUMNS(c -> current_setting('threads') = c) FROM raw_orders.orders
SELECT * REPLACE (current_setting('threads') AS id) FROM raw_orders.orders
SELECT 'threads'.current_setting()
SELECT customer.current_setting() FROM raw_orders.orders
FROM raw_orders.orders AT (VERSION => current_setting('threads'))
PIVOT (FROM duckdb_settings()) ON name IN ('threads') USING first(value)
PIVOT raw_orders.orders ON customer USING current_setting('threads')
PIVOT raw_orders.orders ON customer
SELECT unnest((SELECT list(name) FROM duckdb_settings()))
VALUES (current_setting('threads'))
SELECT * FROM range((SELECT count(*) FROM duckdb_settings()))
## spelling
SELECT * FROM duckdb_settings/* */()
SELECT/**/*/**/FROM/**/duckdb_settings()
SELECT * FROM /* /* nested */ */ duckdb_settings()
SELECT * FROM "duckdb_settings"()
SELECT * FROM DuckDB_Settings()
SELECT * FROM U&"duckdb_settings"()
SELECT * FROM ｄｕｃｋｄｂ_settings()
SELECT * FROM raw_orders.orderſ
SELECT * FROM raw_orders.ORDERS＇
SELECT * FROM "raw_orders.orders"
SELECT * FROM "raw_orders"."orders "
SELECT * FROM raw_orders.orders.x
SELECT "current_setting"('threads')
SELECT main."current_setting"('threads')
SELECT current_setting /* x */ ('threads')
SELECT 1 -- ; DROP TABLE raw_orders.orders
; DROP TABLE raw_orders.orders
SELECT 1; SELECT 2
SELECT 1; DROP TABLE raw_orders.orders
SELECT 1;;SELECT 2
SELECT $$;$$; SELECT 2
EXPLAIN SELECT 1; DROP TABLE raw_orders.orders
EXPLAIN ANALYZE SELECT 1
EXPLAIN (ANALYZE) SELECT 1
EXPLAIN (FORMAT JSON) SELECT 1
EXPLAIN/**/ANALYZE SELECT 1
EXPLAIN EXPLAIN SELECT 1
EXPLAIN DROP TABLE raw_orders.orders
EXPLAIN INSERT INTO raw_orders.orders VALUES (1)
EXPLAIN FROM duckdb_settings()
EXPLAIN CALL enable_logging()
;
--
/* */
/* not closed
'
"
SELECT '
SELECT * FROM
SELEC 1
SELECT 1 FROM raw_orders.orders UNION SELECT * FROM nowhere
## readers in other places
SELECT * FROM read_csv(['{secret}', '/etc/passwd'], header = false)
SELECT * FROM read_csv_auto('/proc/self/environ', delim = chr(0))
SELECT * FROM read_text('/proc/self/cmdline')
SELECT * FROM read_text('/proc/self/maps')
SELECT * FROM read_blob('{catalog}')
SELECT * FROM read_blob('{catalog}-wal')
SELECT * FROM read_text('~/.ssh/id_rsa')
SELECT * FROM read_text('file:///etc/passwd')
SELECT * FROM read_text('/dev/stdin')
SELECT * FROM '/proc/self/environ'
SELECT * FROM '/dev/fd/3'
SELECT * FROM glob('/proc/*')
SELECT * FROM read_xlsx('{secret}')
SELECT * FROM st_read('{secret}')
SELECT * FROM delta_scan('{data}')
SELECT * FROM iceberg_scan('{data}')
SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')
SELECT * FROM postgres_query('db', 'SELECT 1')
SELECT * FROM mysql_query('db', 'SELECT 1')
SELECT * FROM sqlite_attach('{catalog}')
SELECT * FROM read_json('https://127.0.0.1:9/x')
SELECT * FROM read_parquet('s3://bucket/*')
SELECT * FROM read_parquet('gcs://bucket/*')
SELECT * FROM read_parquet('az://bucket/*')
SELECT * FROM read_parquet('hf://datasets/x')
SELECT * FROM 'http://169.254.169.254/latest/meta-data/'
SELECT * FROM "https://example.org/a.csv"
SELECT * FROM 'ftp://127.0.0.1/x.csv'
SELECT (TABLE '{secret}')
SELECT * FROM range(1) WHERE EXISTS (FROM '{secret}')
SELECT * FROM range(1) r, LATERAL (FROM read_csv('{secret}'))
SELECT * FROM (VALUES ((SELECT max(content) FROM read_text('/etc/passwd'))))
SELECT * FROM (DESCRIBE '{secret}')
SELECT * FROM (SUMMARIZE '{secret}')
SELECT * FROM (PIVOT '{secret}' ON password IN ('a') USING count(*))
WITH x AS (FROM read_text('/etc/passwd')) SELECT 1
WITH x AS MATERIALIZED (FROM '{secret}') FROM raw_orders.orders
WITH RECURSIVE x AS (FROM read_text('/etc/passwd') UNION ALL FROM x) FROM x
FROM raw_orders.orders SELECT (FROM read_text('/etc/passwd') SELECT content)
FROM raw_orders.orders ORDER BY (SELECT content FROM read_text('/etc/passwd'))
FROM raw_orders.orders WHERE customer IN (FROM read_text('/etc/passwd') SELECT content)
SELECT CASE WHEN (SELECT count(*) FROM glob('/etc/*')) > 1 THEN 1 END
SELECT coalesce((SELECT content FROM read_text('/etc/passwd')), 'x')
SELECT list((SELECT content FROM read_text('/etc/passwd')))
SELECT COLUMNS(c -> (SELECT true FROM read_text('/etc/passwd'))) FROM raw_orders.orders
SELECT 1 UNION ALL BY NAME SELECT content FROM read_text('/etc/passwd')
SELECT 1 INTERSECT (SELECT content FROM read_text('/etc/passwd'))
EXPLAIN FROM '{secret}'
EXPLAIN SELECT * FROM read_text('/etc/passwd')
DESCRIBE FROM read_parquet('{data}/**')
SUMMARIZE SELECT * FROM read_parquet('{data}/**')
## names of the machine
SELECT getenv('DANGO_MASTER_KEY')
SELECT system.main.getenv('HOME')
SELECT current_setting('secret_directory')
SELECT current_setting('temp_directory')
SELECT current_setting('home_directory')
SELECT current_setting('s3_secret_access_key')
SELECT main.current_setting('threads')
SELECT getvariable('x') FROM raw_orders.orders
SELECT error(current_setting('threads'))
SELECT currval('x'), lastval()
SELECT pg_backend_pid()
SELECT current_setting('a'), set_config('a', 'b', false)
SELECT inet_client_addr()
SELECT write_log('x', level := 'warn')
SELECT * FROM duckdb_logs_parsed('FileSystem')
SELECT * FROM duckdb_log_contexts()
SELECT * FROM duckdb_keywords()
SELECT * FROM duckdb_types()
SELECT * FROM duckdb_schemas()
SELECT * FROM duckdb_sequences()
SELECT * FROM duckdb_indexes()
SELECT * FROM duckdb_constraints()
SELECT * FROM duckdb_dependencies()
SELECT * FROM duckdb_optimizers()
SELECT * FROM duckdb_variables()
SELECT * FROM duckdb_approx_database_count()
SELECT * FROM duckdb_connection_count()
SELECT * FROM duckdb_secret_types()
SELECT * FROM pragma_platform()
SELECT * FROM pragma_collations()
SELECT * FROM pragma_show('orders')
SELECT * FROM pragma_metadata_info('lake')
SELECT * FROM pragma_last_profiling_output()
SELECT * FROM pragma_detailed_profiling_output()
SELECT * FROM storage_info('raw_orders.orders')
SELECT * FROM checkpoint('lake')
SELECT * FROM force_checkpoint('lake')
SELECT * FROM summary(TABLE raw_orders.orders)
SELECT * FROM repeat_row(1, num_rows = getenv('A'))
SELECT * FROM sql_auto_complete('SELECT')
SELECT * FROM test_vector_types(1)
SELECT * FROM index_scan()
SELECT * FROM icu_calendar_names()
SELECT * FROM pg_timezone_names()
SELECT * FROM from_substrait('x')
SELECT * FROM load_aws_credentials()
## what is not published
SELECT * FROM _dango.runs
SELECT * FROM "_dango"."runs"
SELECT * FROM lake._dango.runs
SELECT * FROM information_schema.columns
SELECT * FROM INFORMATION_SCHEMA.SCHEMATA
SELECT * FROM lake.information_schema.tables
SELECT * FROM system.information_schema.tables
SELECT * FROM temp.information_schema.tables
SELECT * FROM memory.information_schema.tables
SELECT * FROM pg_catalog.pg_attribute
SELECT * FROM pg_catalog.pg_settings
SELECT * FROM pg_namespace
SELECT * FROM pg_database
SELECT * FROM duckdb_constraints
SELECT * FROM duckdb_schemas
SELECT * FROM pragma_database_list
SELECT * FROM sqlite_temp_master
SELECT * FROM sqlite_temp_schema
SELECT * FROM main.sqlite_master
SELECT * FROM temp.sqlite_master
SELECT * FROM system.main.duckdb_tables
SELECT * FROM __ducklake_metadata_lake.main.ducklake_snapshot
SELECT * FROM "__ducklake_metadata_lake".ducklake_table_stats
SELECT * FROM __ducklake_metadata_lake.ducklake_file_column_stats
SELECT * FROM lake.main.ducklake_table
SELECT * FROM lake_behind_masks.raw_orders.orders
SELECT * FROM __ducklake_metadata_lake_behind_masks.ducklake_view
SELECT * FROM lake.raw_orders.nothing
SELECT * FROM raw_orders.main.orders
SELECT * FROM other.raw_orders.orders
SELECT * FROM lake.lake.raw_orders.orders
SELECT * FROM (SELECT * FROM (SELECT * FROM (SELECT * FROM duckdb_settings())))
SELECT 1 WHERE EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name LIKE 'u%')
SELECT * FROM raw_orders.orders o JOIN information_schema.tables t ON true
SELECT * FROM raw_orders.orders, pg_class
TABLE information_schema.tables
DESCRIBE information_schema.tables
DESCRIBE duckdb_settings
SUMMARIZE duckdb_settings()
SUMMARIZE information_schema.tables
SHOW TABLES FROM information_schema.x
SHOW TABLES FROM other.raw_orders
SHOW ALL TABLES FROM x
FROM ducklake_table_insertions('lake', 'raw_orders', 'orders', 0, 9)
FROM ducklake_table_deletions('lake', 'raw_orders', 'orders', 0, 9)
FROM lake.table_changes('orders', 0, 9)
FROM lake.table_insertions('orders', 0, 9)
FROM ducklake_current_snapshot('lake')
FROM ducklake_last_committed_snapshot('lake')
FROM lake.current_snapshot()
FROM ducklake_merge_adjacent_files('lake')
FROM ducklake_rewrite_data_files('lake')
FROM ducklake_flush_inlined_data('lake')
FROM ducklake_set_option('lake', 'a', 'b')
FROM ducklake_set_commit_message('lake', 'a', 'b')
SELECT rowid FROM raw_orders.orders AT (VERSION => (SELECT max(value) FROM duckdb_settings()))
SELECT * FROM raw_orders.orders AT (TIMESTAMP => (SELECT max(ts) FROM lake.snapshots()))
SELECT * FROM raw_orders.orders AT (FILE => 'x')
## writing and settings once more
COPY (FROM raw_orders.orders) TO 's3://bucket/x.parquet'
COPY (FROM raw_orders.orders) TO '/dev/stdout'
COPY raw_orders.orders TO 'http://127.0.0.1:9/x'
COPY (SELECT 1) TO '{data}/x' (FORMAT parquet, PARTITION_BY (a))
COPY (SELECT 1) TO PROGRAM 'id'
COPY FROM DATABASE lake TO lake
EXPORT DATABASE '/tmp/never-written' (FORMAT parquet)
CREATE OR REPLACE TEMP TABLE x AS FROM read_text('/etc/passwd')
CREATE TEMP VIEW v AS FROM read_text('/etc/passwd')
CREATE TABLE IF NOT EXISTS x (a INT)
CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')
CREATE OR REPLACE TEMPORARY SECRET s (TYPE http, EXTRA_HTTP_HEADERS MAP {'a': 'b'})
CREATE TEMP MACRO f(x) AS TABLE FROM read_text(x)
CREATE OR REPLACE MACRO raw_orders.f() AS (SELECT 1)
CREATE TRIGGER t AFTER INSERT ON raw_orders.orders BEGIN SELECT 1; END
ALTER VIEW marts.daily RENAME TO x
ALTER DATABASE lake SET ALIAS TO x
ALTER TABLE raw_orders.orders SET PARTITIONED BY (id)
COMMENT ON COLUMN raw_orders.orders.id IS 'x'
GRANT SELECT ON raw_orders.orders TO x
SET s3_endpoint = '127.0.0.1:9'
SET search_path = 'information_schema'
SET schema = '_dango'
SET enable_external_access = true
SET custom_extension_repository = 'http://127.0.0.1:9'
SET log_query_path = '/tmp/never-written'
SET profiling_output = '/tmp/never-written'
SET lock_configuration = false
SET threads TO 100
PRAGMA threads = 100
PRAGMA database_size
PRAGMA table_info('raw_orders.orders')
PRAGMA show_tables
PRAGMA functions
PRAGMA storage_info('orders')
PRAGMA enable_object_cache
PRAGMA verify_parallelism
PRAGMA import_database('{data}')
PRAGMA create_fts_index('x', 'y', 'z')
LOAD '{data}/x.duckdb_extension'
INSTALL httpfs FROM 'http://127.0.0.1:9'
INSTALL '{data}/x.duckdb_extension'
ATTACH 'postgres:host=127.0.0.1' AS p (TYPE postgres)
ATTACH 's3://bucket/x.db' AS s
ATTACH 'http://127.0.0.1:9/x.db' AS h
ATTACH OR REPLACE ':memory:' AS lake
ATTACH '{catalog}' AS c (TYPE sqlite, READ_ONLY)
USE __ducklake_metadata_lake
ABORT
CALL pragma_version()
CALL force_checkpoint()
CALL sqlite_scan('{catalog}', 'x')
CALL ducklake_merge_adjacent_files('lake')
EXECUTE IMMEDIATE 'SELECT 1'
PREPARE p AS SELECT * FROM read_text($1)
EXPLAIN ANALYZE SELECT * FROM raw_orders.orders
EXPLAIN ANALYSE SELECT 1
EXPLAIN (ANALYZE, FORMAT JSON) FROM raw_orders.orders
EXPLAIN ANALYZE INSERT INTO raw_orders.orders (id) VALUES (1)
EXPLAIN CREATE TABLE x AS SELECT 1
EXPLAIN DELETE FROM raw_orders.orders
EXPLAIN PRAGMA version
EXPLAIN SET threads = 1
EXPLAIN /* a */ ANALYZE /* b */ SELECT 1
EXPLAIN -- a
LOCK TABLE raw_orders.orders
LISTEN x
DO $$ SELECT 1 $$
## several statements
SELECT 1; COPY (SELECT 1) TO '/tmp/never-written.csv';
SELECT 1;SELECT 2;SELECT 3
SELECT 1;/**/DELETE FROM raw_orders.orders
SELECT ';'; DROP TABLE raw_orders.orders
SELECT "a;b"; DROP TABLE raw_orders.orders
SELECT $a$;$a$; DROP TABLE raw_orders.orders
SELECT e'\\'; DROP TABLE raw_orders.orders --'
SELECT 1 /* ; */ ; ATTACH ':memory:' AS x
BEGIN; SELECT 1; COMMIT
SET threads = 1; SELECT 1
FROM raw_orders.orders; PRAGMA version
SHOW TABLES; DROP TABLE raw_orders.orders
DESCRIBE raw_orders.orders; DROP TABLE raw_orders.orders
PIVOT raw_orders.orders ON customer IN ('a') USING count(*); DROP TABLE raw_orders.orders
WITH x AS (SELECT 1) FROM x; SET threads = 1
## writes within reads
WITH x AS (UPDATE raw_orders.orders SET id = 2 RETURNING id) FROM x
WITH x AS (DELETE FROM raw_orders.orders) SELECT 1
WITH x AS (MERGE INTO raw_orders.orders o USING (SELECT 1 AS id) s USING (id) WHEN MATCHED THEN DELETE RETURNING *) FROM x
SELECT * FROM (INSERT INTO raw_orders.orders (id) VALUES (1) RETURNING *)
SELECT * FROM (DELETE FROM raw_orders.orders RETURNING *)
SELECT (DELETE FROM raw_orders.orders RETURNING id)
SELECT * INTO TEMP x FROM raw_orders.orders
SELECT * FROM raw_orders.orders FOR UPDATE OF nothing
WITH x AS (CREATE TABLE y AS SELECT 1) FROM x
WITH x AS (COPY (SELECT 1) TO '/tmp/never-written.csv') FROM x
WITH x AS (CALL enable_logging()) FROM x
WITH x AS (PRAGMA version) FROM x
WITH x AS (SET threads = 1) FROM x
WITH x AS (ATTACH ':memory:' AS y) FROM x
## spelling once more
SELECT * FROM DUCKDB_SETTINGS()
SELECT * FROM "DuckDb_Settings" ()
SELECT * FROM duckdb_settings /* a */ ( /* b */ )
SELECT * FROM ducᴋdb_settings()
SELECT * FROM duckdb＿settings()
SELECT * FROM duckdb_settings​()
SELECT * FROM ‮duckdb_settings()
SELECT * FROM ｉｎｆｏｒｍａｔｉｏｎ_ｓｃｈｅｍａ.tables
SELECT * FROM ınformation_schema.tables
SELECT * FROM "information_schema" . "tables"
SELECT * FROM information_schema/**/./**/tables
SELECT * FROM "lake"."information_schema"."tables"
SELECT * FROM 'information_schema.tables'
SELECT * FROM "raw_orders.orders.parquet"
SELECT * FROM ".\orders"
SELECT * FROM "../data/orders"
SELECT * FROM `raw_orders`.`orders`
SELECT * FROM [raw_orders].[orders]
SELECT * FROM raw_orders."orders""; DROP"
SELECT * FROM raw_orders."orders" . "x" . "y"
SELECT * FROM "RAW_ORDERS"."ORDERſ"
SELECT * FROM raw_orders.Kunden
SELECT * FROM duckdb_tables AS orders
SELECT orders.* FROM duckdb_tables() orders
SELECT * FROM duckdb_settings() AS raw_orders(orders)
WITH "raw_orders.orders" AS (FROM duckdb_settings()) FROM "raw_orders.orders"
WITH orders AS (FROM duckdb_settings()) SELECT * FROM orders
WITH "information_schema.tables" AS (SELECT 1) FROM information_schema.tables
WITH information_schema AS (SELECT 1) FROM information_schema.tables
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM b
WITH a AS (SELECT (WITH c AS (SELECT 1) SELECT 1)) SELECT * FROM c
SELECT * FROM (WITH c AS (SELECT 1) FROM c) x JOIN c ON true
WITH c AS (FROM c) FROM c
WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM d), d AS (FROM c) FROM d
WITH RECURSIVE a AS (FROM b UNION ALL FROM a), b AS (SELECT 1) FROM a
SELECT "getenv"('HOME')
SELECT GETENV('HOME')
SELECT system."getenv"('HOME')
SELECT 'HOME'.getenv()
SELECT ('HOME').getenv()
SELECT [getenv(x) FOR x IN ['HOME']]
SELECT {'a': getenv('HOME')}.a
SELECT MAP {getenv('HOME'): 1}
SELECT getenv('HOME') COLLATE NOCASE
SELECT getenv('HOME') IS NULL
SELECT try(getenv('HOME'))
SELECT TRY_CAST(getenv('HOME') AS INT)
SELECT sum(length(getenv('HOME'))) OVER ()
SELECT count(*) FILTER (WHERE getenv('HOME') IS NULL)
SELECT count(*) FROM raw_orders.orders GROUP BY getenv('HOME')
SELECT count(*) FROM raw_orders.orders HAVING getenv('HOME') IS NULL
SELECT id FROM raw_orders.orders QUALIFY row_number() OVER (ORDER BY getenv('HOME')) = 1
SELECT id FROM raw_orders.orders LIMIT length(getenv('HOME'))
SELECT id FROM raw_orders.orders OFFSET length(getenv('HOME'))
SELECT id FROM raw_orders.orders USING SAMPLE (getenv('HOME')) ROWS
SELECT DISTINCT ON (getenv('HOME')) id FROM raw_orders.orders
SELECT * FROM raw_orders.orders a JOIN raw_orders.orders b ON getenv('HOME') = ''
SELECT * FROM range(length(getenv('HOME')))
SELECT * FROM unnest([getenv('HOME')])
SELECT * FROM json_each(getenv('HOME'))
VALUES (getenv('HOME'))
PIVOT raw_orders.orders ON customer IN ('a') USING max(getenv('HOME'))
UNPIVOT raw_orders.orders ON (getenv('HOME'))
