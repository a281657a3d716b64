-- A join that finds nothing, or twice, would change how many flights there are.
select marts.flights, staging.flights as expected
from (select sum(flights) as flights from {{ ref('airlines_by_punctuality') }}) marts
cross join (select count(*) as flights from {{ ref('stg_flights__flights') }}) staging
where marts.flights <> staging.flights
