select
    origin || '-' || dest as route,
    origin,
    dest,
    any_value(destination) as destination,
    count(*) as flights,
    count(distinct carrier) as airlines,
    any_value(distance) as miles,
    round(avg(arr_delay), 1) as arrival_delay_min
from {{ ref('int_flights_enriched') }}
group by origin, dest
