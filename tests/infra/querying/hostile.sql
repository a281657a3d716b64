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
