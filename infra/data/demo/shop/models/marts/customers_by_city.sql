select
    c.city,
    count(distinct c.customer_id) as customers,
    count(o.order_id) as orders
from {{ ref('stg_customers__customers') }} c
left join {{ ref('stg_orders__orders') }} o using (customer_id)
group by c.city
