-- Each flight with the names behind its codes.
select
    f.year,
    f.month,
    f.day,
    make_date(f.year, f.month, f.day) as flown_on,
    f.carrier,
    a.name as airline,
    f.flight,
    f.tailnum,
    p.manufacturer,
    p.seats,
    f.origin,
    f.dest,
    d.name as destination,
    f.dep_delay,
    f.arr_delay,
    f.distance,
    f.dep_time is null as cancelled,
    f.time_hour
from {{ ref('stg_flights__flights') }} f
left join {{ ref('stg_airlines__airlines') }} a using (carrier)
left join {{ ref('stg_planes__planes') }} p using (tailnum)
left join {{ ref('stg_airports__airports') }} d on d.faa = f.dest
