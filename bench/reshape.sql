-- The rows of reshape.py, as Parquet files in the current directory (0.7 GB): the same on every machine. mapping: 27M rows of 9M keys, 1,000 of them
-- with some 270 rows and one with 100,000. bronze: 38M rows. predictions: for nine of ten of them, in another order.
COPY (
    SELECT 'K' || lpad((CASE WHEN i % 270 = 0 THEN 0 WHEN i % 100 = 7 THEN (i // 100) % 1000
                             ELSE (i * 2654435761) % 9000000 END)::VARCHAR, 9, '0') AS source_id,
           i AS mapping_id,
           CASE i % 4 WHEN 0 THEN 'gene' WHEN 1 THEN 'protein' WHEN 2 THEN 'drug' ELSE 'pathway' END AS target_type,
           'T' || ((i * 40503) % 50000000) AS target_id,
           ((i * 7919) % 1000) / 1000.0 AS score,
           DATE '2015-01-01' + ((i * 104729) % 3650)::INT AS valid_from
    FROM range(27000000) AS t(i)
) TO 'mapping.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT i AS record_id,
           'user-' || ((i * 2654435761) % 4000000) AS user_id,
           TIMESTAMP '2021-01-01' + to_seconds(((i * 40503) % 126230400)::BIGINT) AS event_time,
           CASE (i * 7919) % 7 WHEN 0 THEN 'web' WHEN 1 THEN 'ios' WHEN 2 THEN 'android' ELSE 'api' END AS channel,
           ((i * 104729) % 10000000) / 100.0 AS amount,
           (i * 31) % 500 AS store_id,
           'note ' || ((i * 613) % 100000) AS note
    FROM range(38000000) AS t(i)
) TO 'bronze.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
    SELECT (i * 15485863) % 38000000 AS record_id,
           'model-' || (i % 3) AS model,
           ((i * 7919) % 10000) / 10000.0 AS probability,
           CASE (i * 31) % 3 WHEN 0 THEN 'low' WHEN 1 THEN 'medium' ELSE 'high' END AS label
    FROM range(38000000) AS t(i)
    WHERE i % 10 <> 9
) TO 'predictions.parquet' (FORMAT parquet, COMPRESSION zstd);
