-- Delays of a day beside the weather that it had.
with flown as (
    select
        origin,
        flown_on,
        count(*) as flights,
        count(*) filter (where cancelled) as cancelled,
        round(avg(dep_delay), 1) as departure_delay_min
    from {{ ref('int_flights_enriched') }}
    group by origin, flown_on
),

weather as (
    select
        origin,
        make_date(year, month, day) as flown_on,
        round(avg(wind_speed), 1) as wind_mph,
        round(sum(precip), 2) as rain_inches,
        round(min(visib), 1) as visibility_miles
    from {{ ref('stg_weather__weather') }}
    group by all
)

select
    flown.*,
    weather.wind_mph,
    weather.rain_inches,
    weather.visibility_miles
from flown
left join weather using (origin, flown_on)
