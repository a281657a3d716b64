select
    carrier,
    any_value(airline) as airline,
    count(*) as flights,
    count(*) filter (where cancelled) as cancelled,
    round(avg(dep_delay), 1) as departure_delay_min,
    round(100 * avg((arr_delay > 15)::int), 1) as late_percent,
    sum(distance)::bigint as miles
from {{ ref('int_flights_enriched') }}
group by carrier
