select
    p.product_id,
    p.name,
    count(*) as orders,
    sum(o.quantity)::bigint as sold,
    round(sum(o.quantity * p.price), 2) as revenue
from {{ ref('stg_orders__orders') }} o
join {{ ref('stg_products__products') }} p using (product_id)
group by p.product_id, p.name
