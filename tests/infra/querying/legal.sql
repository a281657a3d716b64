## plain
SELECT 1
SELECT 1;
SELECT 1; -- the end
-- first a comment\nSELECT 1
(SELECT 1)
SELECT * FROM raw_orders.orders LIMIT 10
SELECT * FROM RAW_ORDERS."Orders" LIMIT 10
SELECT * FROM lake.raw_orders.orders LIMIT 10
SELECT raw_orders.orders.id FROM raw_orders.orders LIMIT 1
FROM raw_orders.orders LIMIT 1
FROM raw_orders.orders SELECT id LIMIT 1
TABLE marts.daily
VALUES (1, 'a'), (2, 'b')
SELECT * FROM (VALUES (1), (2)) AS t(a)
SELECT 1 AS a, 2 AS a
SELECT x: 42
SELECT 'filename' AS a
SELECT id AS filename FROM raw_orders.orders LIMIT 1
SELECT filename FROM raw_files.files
SELECT 'It''s; -- not a comment', $$DROP TABLE x$$, e'\n'
SELECT 'read_csv(''/etc/passwd'')'
SELECT 'é', '日本', '😀' AS "ü"
SELECT t FROM raw_orders.orders AS t LIMIT 1
## queries
WITH x AS (SELECT 1 AS a) SELECT * FROM x
WITH k AS (SELECT 1) SELECT * FROM K
WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT * FROM a, b
WITH orders AS (SELECT 'mine' AS o) SELECT * FROM orders
WITH orders AS (SELECT * FROM raw_orders.orders) SELECT count(*) FROM Orders
WITH x AS MATERIALIZED (SELECT 1) FROM x
WITH x(a, b) AS (SELECT 1, 2) SELECT (SELECT max(a) FROM x)
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t
WITH RECURSIVE t(n, m) USING KEY (n) AS (SELECT 1, 1 UNION SELECT n, m + 1 FROM t WHERE m < 3) FROM t
SELECT 1 UNION SELECT 2 EXCEPT SELECT 3 INTERSECT SELECT 4
SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS b
SELECT * FROM (WITH y AS (SELECT 1) FROM y) z
SELECT * FROM raw_orders.orders o JOIN marts.daily d ON d.day = o.placed_at::DATE LIMIT 1
SELECT * FROM raw_orders.orders a ASOF JOIN raw_orders.orders b ON a.placed_at >= b.placed_at LIMIT 1
SELECT * FROM raw_orders.orders a SEMI JOIN raw_orders.orders b USING (id) LIMIT 1
SELECT * FROM raw_orders.orders a NATURAL JOIN raw_orders.orders b LIMIT 1
SELECT * FROM raw_orders.orders POSITIONAL JOIN marts.daily LIMIT 1
SELECT o.id, l.n FROM raw_orders.orders o, LATERAL (SELECT o.id + 1 AS n) l LIMIT 1
SELECT DISTINCT ON (customer) customer, id FROM raw_orders.orders ORDER BY ALL
SELECT customer, count(*) FROM raw_orders.orders GROUP BY ALL HAVING count(*) > 1 ORDER BY 2 DESC
SELECT customer, sum(amount) FROM raw_orders.orders GROUP BY GROUPING SETS ((customer), ())
SELECT customer, grouping(customer), sum(id) FROM raw_orders.orders GROUP BY ROLLUP (customer)
SELECT id FROM raw_orders.orders QUALIFY row_number() OVER (PARTITION BY customer ORDER BY id) = 1
SELECT sum(id) OVER w FROM raw_orders.orders WINDOW w AS (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) LIMIT 2
SELECT lag(id) OVER (ORDER BY id), ntile(4) OVER (ORDER BY id) FROM raw_orders.orders LIMIT 2
SELECT * FROM raw_orders.orders TABLESAMPLE 10% LIMIT 1
SELECT * FROM raw_orders.orders USING SAMPLE 5 ROWS
SELECT * FROM raw_orders.orders LIMIT 1%
SELECT * FROM raw_orders.orders AT (VERSION => 5) LIMIT 1
SELECT id FROM raw_orders.orders WHERE EXISTS (SELECT 1 FROM marts.daily) AND id IN (SELECT 1) LIMIT 1
SELECT id FROM raw_orders.orders WHERE id = ANY (SELECT 1) OR id NOT IN (1, 2) LIMIT 1
## tables out of functions
SELECT * FROM range(3) t(x)
SELECT * FROM generate_series(1, 3)
SELECT * FROM unnest([1, 2]) AS t(x)
SELECT unnest({'a': 1, 'b': 2})
SELECT * FROM json_each('[1, 2]')
SELECT * FROM json_tree('{"a": 1}')
SELECT o.id, u.label FROM raw_orders.orders o, unnest(o.labels) AS u(label) LIMIT 2
## pivot
PIVOT raw_orders.orders ON customer IN ('c1', 'c2') USING sum(amount)
PIVOT raw_orders.orders ON customer IN ('c1') USING sum(amount) GROUP BY placed_at
SELECT * FROM raw_orders.orders PIVOT (sum(amount) FOR customer IN ('c1', 'c2')) LIMIT 1
UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b INTO NAME n VALUE v
UNPIVOT (SELECT 1 AS a, 2 AS b) ON COLUMNS(*)
## expressions
SELECT * EXCLUDE (id) REPLACE (amount + 1 AS amount) FROM raw_orders.orders LIMIT 1
SELECT COLUMNS('a.*') FROM raw_orders.orders LIMIT 1
SELECT min(COLUMNS(*)) FROM raw_orders.orders
SELECT customer.upper(), o.customer.lower() FROM raw_orders.orders o LIMIT 1
SELECT list_transform([1, 2], x -> x + 1), [x * 2 FOR x IN [1, 2] IF x > 1]
SELECT list_transform([1, 2], lambda x: x + 1)
SELECT [1, 2, 3][1:2], {'a': 1}.a, MAP {'k': 1}['k'], (1, 2), row(1, 2)
SELECT CAST('1' AS INTEGER), TRY_CAST('a' AS DECIMAL(10, 2)), '{"a": 1}'::JSON ->> '$.a'
SELECT NULL::STRUCT(a INT, b VARCHAR[]), 'x'::ENUM('x', 'y'), NULL::MAP(INT, VARCHAR), '101'::BIT
SELECT CASE 1 WHEN 1 THEN 2 END, coalesce(1, 2), ifnull(1, 2), if(true, 1, 2), nullif(1, 1)
SELECT extract(year FROM placed_at), date_trunc('month', placed_at) FROM raw_orders.orders LIMIT 1
SELECT DATE '2026-01-01' + INTERVAL 3 DAY, placed_at AT TIME ZONE 'UTC' FROM raw_orders.orders LIMIT 1
SELECT now() > TIMESTAMP '2020-01-01', current_date IS NOT NULL, today() IS NOT NULL
SELECT trim(BOTH 'x' FROM 'xax'), position('a' IN 'ba'), substring('abc' FROM 1 FOR 2)
SELECT 'a' LIKE 'b', 'a' ILIKE 'B', 'a' SIMILAR TO 'b', 'a' GLOB 'b', 'a' ~ 'b', 'a%' LIKE 'a!%' ESCAPE '!'
SELECT 'a' COLLATE NOCASE = 'A', 1 IS DISTINCT FROM 2, 1 BETWEEN 0 AND 2, NOT true
SELECT sum(id ORDER BY id), string_agg(DISTINCT customer, ',' ORDER BY customer) FROM raw_orders.orders
SELECT quantile_cont(amount, [0.5, 0.9]), mode() WITHIN GROUP (ORDER BY id) FROM raw_orders.orders
SELECT count(*) FILTER (WHERE id > 5), count(DISTINCT customer), median(id) FROM raw_orders.orders
SELECT regexp_replace('abc', 'b', 'x'), md5('a'), format('{}', 1), printf('%d', 1), uuid() IS NOT NULL
SELECT json_extract('{"a": [1]}', '$.a[0]'), to_json({'a': 1}), json_group_array(id) FROM range(3) t(id)
SELECT 0x1F, 1_000, 1e3, .5, 'nan'::FLOAT, TRY(1 // 0)
## about the data
DESCRIBE raw_orders.orders
DESC marts.daily
DESCRIBE SELECT id, customer FROM raw_orders.orders
SHOW ALL
SELECT column_name FROM (DESCRIBE raw_orders.orders)
SUMMARIZE raw_orders.orders
SUMMARIZE SELECT id FROM raw_orders.orders
SHOW TABLES
SHOW ALL TABLES
SHOW TABLES FROM raw_orders
DESCRIBE
EXPLAIN SELECT * FROM raw_orders.orders
explain /* how */ from marts.daily
EXPLAIN WITH x AS (SELECT 1) SELECT * FROM x
EXPLAIN VALUES (1)
