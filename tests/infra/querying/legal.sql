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
## joins and sets
SELECT count(*) FROM raw_orders.orders a, raw_orders.orders b WHERE a.id = b.id + 1
SELECT a.id, b.id FROM raw_orders.orders a LEFT JOIN raw_orders.orders b ON a.id = b.id - 999 ORDER BY 1 LIMIT 3
SELECT count(*) FROM raw_orders.orders a RIGHT JOIN (VALUES (1), (5000)) v(id) USING (id)
SELECT count(*) FROM raw_orders.orders a FULL OUTER JOIN range(990, 1010) r(id) ON a.id = r.id
SELECT count(*) FROM raw_orders.orders a CROSS JOIN (VALUES (1), (2)) v(x)
SELECT count(*) FROM raw_orders.orders a ANTI JOIN (SELECT 1 AS id) b USING (id)
SELECT count(*) FROM raw_orders.orders a INNER JOIN LATERAL (SELECT a.amount * 2 AS twice) l ON true
SELECT id FROM raw_orders.orders INTERSECT SELECT 7
(SELECT id FROM raw_orders.orders ORDER BY id LIMIT 1) UNION ALL (SELECT id FROM raw_orders.orders ORDER BY id DESC LIMIT 1)
SELECT * FROM (SELECT 1 AS a UNION SELECT 2) ORDER BY a DESC
SELECT id FROM raw_orders.orders EXCEPT ALL SELECT range FROM range(500) LIMIT 3
SELECT * FROM (FROM raw_orders.orders SELECT id, customer) WHERE customer = 'c1' LIMIT 2
SELECT * FROM raw_orders.orders AS o(a, b, c) LIMIT 1
SELECT s.total FROM (SELECT sum(amount) AS total FROM raw_orders.orders) AS s
SELECT * FROM raw_orders.orders WHERE customer IN (SELECT customer FROM raw_orders.orders GROUP BY customer HAVING sum(amount) > 10) LIMIT 1
## grouping and windows
SELECT customer, count(*) AS n, avg(amount), min(placed_at), max(placed_at) FROM raw_orders.orders GROUP BY customer ORDER BY n DESC, customer
SELECT date_trunc('hour', placed_at) AS hour, sum(amount) FROM raw_orders.orders GROUP BY hour ORDER BY hour LIMIT 5
SELECT customer, sum(amount) FROM raw_orders.orders GROUP BY CUBE (customer)
SELECT id % 3 AS g, list(id ORDER BY id)[1:3] FROM raw_orders.orders GROUP BY g
SELECT customer, first(id ORDER BY placed_at), last(id ORDER BY placed_at) FROM raw_orders.orders GROUP BY ALL
SELECT id, sum(amount) OVER (PARTITION BY customer ORDER BY placed_at ROWS UNBOUNDED PRECEDING) FROM raw_orders.orders LIMIT 3
SELECT id, avg(amount) OVER (ORDER BY placed_at RANGE BETWEEN INTERVAL 10 MINUTE PRECEDING AND CURRENT ROW) FROM raw_orders.orders LIMIT 3
SELECT id, first_value(id) OVER w, nth_value(id, 2) OVER w FROM raw_orders.orders WINDOW w AS (PARTITION BY customer ORDER BY id) LIMIT 3
SELECT id, percent_rank() OVER (ORDER BY amount), cume_dist() OVER (ORDER BY amount) FROM raw_orders.orders LIMIT 2
SELECT id, lead(id, 2, -1) OVER (ORDER BY id) FROM raw_orders.orders ORDER BY id DESC LIMIT 3
SELECT count(*) OVER () AS total, * FROM raw_orders.orders LIMIT 1
SELECT id, sum(id) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) FROM raw_orders.orders LIMIT 2
SELECT stddev(amount), variance(amount), corr(id, amount), regr_slope(amount, id), skewness(amount) FROM raw_orders.orders
SELECT approx_quantile(amount, 0.5), approx_top_k(customer, 3), entropy(customer), mad(amount) FROM raw_orders.orders
SELECT arg_max(id, amount), max_by(customer, id), any_value(customer), bool_and(id >= 0) FROM raw_orders.orders
SELECT histogram(id % 4), bit_xor(id), product(1.0), geomean(id + 1) FROM raw_orders.orders
## text and numbers
SELECT lower('A') || upper('b'), concat('a', 1, NULL), concat_ws('-', 'a', 'b'), repeat('ab', 3)
SELECT left('abc', 2), right('abc', 2), lpad('7', 3, '0'), rpad('7', 3, '0'), reverse('abc'), length('é')
SELECT split_part('a-b-c', '-', 2), string_split('a b', ' '), regexp_extract('a1b2', '([0-9])', 1), replace('aa', 'a', 'b')
SELECT levenshtein('kitten', 'sitting'), jaccard('ab', 'bc'), jaro_winkler_similarity('a', 'b'), hamming('ab', 'ac')
SELECT starts_with('abc', 'a'), contains('abc', 'b'), suffix('abc', 'c'), instr('abc', 'c'), strpos('abc', 'c')
SELECT regexp_matches('abc', '^a.c$'), regexp_full_match('abc', 'a.*'), regexp_split_to_array('a,b', ',')
SELECT round(1.567, 2), floor(1.5), ceil(1.5), trunc(1.5), abs(-1), sign(-2), mod(7, 3), 7 // 2, 7 % 2, 2 ** 3, pow(2, 10)
SELECT sqrt(2), exp(1), ln(2), log10(100), log2(8), pi(), sin(0), atan2(1, 1), degrees(pi()), gcd(12, 18), lcm(4, 6)
SELECT greatest(1, 2, 3), least(1, 2, 3), width FROM (SELECT 3 AS width)
SELECT '12'::INT + 1, '1.5'::DOUBLE, 'true'::BOOL, 5::VARCHAR, 1.0::DECIMAL(10, 3), '2026-01-01'::DATE::TIMESTAMP
SELECT to_base64('a'::BLOB), hex('a'), unhex('61'), encode('a'), decode('a'::BLOB), md5('a'), sha256('a')
SELECT format('{:.2f} {}', 1.234, 'x'), printf('%05d', 7), chr(65), ascii('A'), unicode('é'), ord('a')
SELECT bar(5, 0, 10, 10), formatReadableSize(123456), url_encode('a b'), strip_accents('é'), nfc_normalize('é')
SELECT -1, +1, - - 1, NOT false, 5 & 3, 5 | 3, xor(5, 3), ~5, 1 << 3, 8 >> 1, 1 <> 2, 1 != 2, 1 == 1
SELECT 'it''s', e'tab\there', $$dollar$$, $x$tagged$x$
SELECT true AND NOT false OR NULL, NULL IS NULL, NULL IS NOT DISTINCT FROM NULL, 1 IN (1, 2), 3 NOT BETWEEN 1 AND 2
SELECT date_diff('day', DATE '2026-01-01', DATE '2026-03-01'), date_part('year', DATE '2026-01-01'), dayname(DATE '2026-01-01')
SELECT strftime(placed_at, '%Y-%m'), strptime('2026', '%Y'), epoch(placed_at), to_timestamp(0) FROM raw_orders.orders LIMIT 1
SELECT time_bucket(INTERVAL '15 minutes', placed_at) AS b, count(*) FROM raw_orders.orders GROUP BY b ORDER BY b LIMIT 3
SELECT last_day(DATE '2026-02-01'), make_date(2026, 1, 1), age(TIMESTAMP '2026-01-02', TIMESTAMP '2026-01-01'), TIME '10:00' + INTERVAL 1 HOUR
SELECT make_timestamp(2026, 1, 2, 3, 4, 5.6), TIMESTAMPTZ '2026-01-01 00:00:00+01', INTERVAL '1 year 2 months', to_days(3)
## nested values
SELECT {'a': 1, 'b': {'c': [1, 2]}}.b.c[1], struct_pack(x := 1).x, struct_extract({'k': 'v'}, 'k')
SELECT [1, 2] || [3], list_sort([3, 1]), list_sum([1, 2]), array_length([1]), len([1, 2]), list_contains([1], 1)
SELECT list_filter([1, 2, 3], x -> x % 2 = 1), list_reduce([1, 2, 3], (a, b) -> a + b), flatten([[1], [2]])
SELECT list_zip([1, 2], ['a', 'b']), list_distinct([1, 1]), list_aggregate([1, 2], 'sum'), list_position([5, 6], 6)
SELECT map(['a'], [1]), map_keys(MAP {'a': 1}), map_values(MAP {'a': 1}), element_at(MAP {'a': 1}, 'a'), cardinality(MAP {'a': 1})
SELECT unnest([{'a': 1}, {'a': 2}], recursive := true)
SELECT id, unnest(labels) FROM raw_orders.orders ORDER BY id LIMIT 4
SELECT '{"a": {"b": [1, 2]}}'::JSON -> 'a' -> 'b' ->> 1, json_array_length('[1, 2]'), json_keys('{"k": 1}'), json_valid('{')
SELECT json_object('a', 1), json_array(1, 2), to_json([1]), from_json('{"a": 1}', '{"a": "INT"}'), json_type('1')
SELECT [x FOR x IN range(5) IF x > 2], [[1, 2], [3]][1][2], array_value(1, 2), [1, 2]::INT[2]
SELECT generate_series(1, 3), range(3), list_value(1, 2), row(1, 'a'), (1, 2) = (1, 2)
SELECT union_value(num := 1), union_tag(union_value(num := 1)), enum_range(NULL::ENUM('a', 'b'))
## common table expressions
WITH totals AS (SELECT customer, sum(amount) AS total FROM raw_orders.orders GROUP BY 1), ranked AS (SELECT *, rank() OVER (ORDER BY total DESC) AS r FROM totals) SELECT * FROM ranked WHERE r <= 3
WITH RECURSIVE tree(id, path) AS (SELECT 1, [1] UNION ALL SELECT id * 2, list_append(path, id * 2) FROM tree WHERE id < 50) SELECT * FROM tree
WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib WHERE b < 100) SELECT max(a) FROM fib
WITH x AS NOT MATERIALIZED (SELECT 1 AS a) SELECT a FROM x UNION ALL SELECT a + 1 FROM x
WITH a AS (WITH b AS (SELECT 1 AS n) SELECT n FROM b) SELECT n FROM a
SELECT (WITH x AS (SELECT max(id) AS m FROM raw_orders.orders) SELECT m FROM x)
SELECT * FROM raw_orders.orders WHERE id = (SELECT max(id) FROM raw_orders.orders)
SELECT id, (SELECT count(*) FROM raw_orders.orders i WHERE i.customer = o.customer) FROM raw_orders.orders o LIMIT 2
## shapes of results
SELECT * FROM raw_orders.orders ORDER BY placed_at DESC NULLS LAST LIMIT 5 OFFSET 5
SELECT * FROM raw_orders.orders FETCH FIRST 3 ROWS ONLY
SELECT DISTINCT customer FROM raw_orders.orders ORDER BY customer
SELECT id, amount AS "Total (€)", customer "who" FROM raw_orders.orders LIMIT 1
SELECT o.* EXCLUDE (labels), o.labels[1] AS first_label FROM raw_orders.orders o LIMIT 1
SELECT * RENAME (id AS number) FROM raw_orders.orders LIMIT 1
SELECT * LIKE 'a%' FROM raw_orders.orders LIMIT 1
SELECT COLUMNS(c -> c LIKE 'a%') FROM raw_orders.orders LIMIT 1
SELECT COLUMNS(* EXCLUDE (labels))::VARCHAR FROM raw_orders.orders LIMIT 1
SELECT id AS a, a + 1 AS b, b * 2 AS c FROM raw_orders.orders WHERE a < 3 ORDER BY c
SELECT sum(amount) FILTER (WHERE id % 2 = 0) AS even, sum(amount) FILTER (id % 2 = 1) AS odd FROM raw_orders.orders
SELECT CASE WHEN amount > 100 THEN 'large' WHEN amount > 10 THEN 'medium' ELSE 'small' END AS size, count(*) FROM raw_orders.orders GROUP BY ALL
SELECT * FROM raw_orders.orders USING SAMPLE reservoir(5 ROWS) REPEATABLE (1)
SELECT * FROM raw_orders.orders TABLESAMPLE bernoulli(100%) LIMIT 1
SELECT * FROM (PIVOT raw_orders.orders ON customer IN ('c1', 'c2') USING count(*) GROUP BY id) LIMIT 1
WITH p AS (SELECT customer, amount FROM raw_orders.orders) PIVOT p ON customer IN ('c0', 'c1') USING sum(amount) AS s, count(*) AS n
FROM (UNPIVOT (SELECT 1 AS jan, 2 AS feb) ON jan, feb INTO NAME month VALUE n) WHERE n > 1
SELECT column_name, min, max, approx_unique FROM (SUMMARIZE raw_orders.orders) ORDER BY ALL
DESCRIBE (SELECT 1 AS a)
DESCRIBE lake.raw_orders.orders
SUMMARIZE marts.daily
SHOW TABLES FROM marts
EXPLAIN SELECT customer, count(*) FROM raw_orders.orders GROUP BY ALL
EXPLAIN SELECT * FROM raw_orders.orders o JOIN marts.daily d ON d.day = o.placed_at::DATE
