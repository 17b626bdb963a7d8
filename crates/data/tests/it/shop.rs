//! A checkout by rules alone: the order, the stock and the lines in one batch, with nothing that the customer can bend.

use crate::kit::{Kit, at, both, code, faults, key, user};
use futures_util::future::join_all;
use gate::Problem;
use kernel::{Code, Ids};
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(the_last_ten_copies, customers_cannot_bend_it);

fn customer(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0001_0000 + n)
}

/// The collections of a shop as a developer writes them; nothing here is known to the service.
pub async fn shop(kit: &Kit) {
    let orders = json!({"name": "orders", "fields": [
        {"name": "customer", "type": "relation", "collection": "users", "required": true, "write_once": true},
        {"name": "status", "type": "select", "values": ["placed", "paid", "shipped", "delivered", "cancelled"], "required": true, "default": "placed", "read_only": true},
        {"name": "note", "type": "text", "max": 500}
    ], "rules": {"list": "customer == auth.id", "view": "customer == auth.id", "create": "customer == auth.id"}});
    kit.collection(orders).await;
    let products = json!({"name": "products", "fields": [
        {"name": "title", "type": "text", "max": 200, "required": true, "read_only": true},
        {"name": "price", "type": "number", "min": 0, "required": true, "read_only": true},
        {"name": "poster", "type": "file", "bucket": "posters", "read_only": true},
        {"name": "stock", "type": "number", "format": "integer", "min": 0, "required": true, "default": 0},
        {"name": "last_order", "type": "relation", "collection": "orders"},
        {"name": "last_quantity", "type": "number", "format": "integer", "min": 1, "max": 10}
    ], "rules": {"list": "true", "view": "true"}});
    kit.collection(products).await;
    let lines = json!({"name": "order_lines", "fields": [
        {"name": "order", "type": "relation", "collection": "orders", "required": true},
        {"name": "product", "type": "relation", "collection": "products", "required": true},
        {"name": "quantity", "type": "number", "format": "integer", "min": 1, "max": 10, "required": true},
        {"name": "unit_price", "type": "number", "required": true, "read_only": true, "default": {"expression": "product.price"}},
        {"name": "title", "type": "text", "max": 200, "required": true, "read_only": true, "default": {"expression": "product.title"}}
    ], "indexes": [{"fields": ["order", "product"], "unique": true}],
    "rules": {
        "list": "order.customer == auth.id",
        "view": "order.customer == auth.id",
        "create": "order.customer == auth.id && order.created_at == now && product.last_order == order && product.last_quantity == quantity"
    }});
    kit.collection(lines).await;
    kit.rules("products", json!({"update": UPDATE}))
        .await
        .unwrap();
}

/// Stock goes down with an order of one's own of this very request; and what the request took before from the same
/// product must have its line by now, so that nobody takes more than is ordered.
const UPDATE: &str = "next.last_order.customer == auth.id && next.last_order.created_at == now \
    && next.last_quantity > 0 && stock - next.stock == next.last_quantity \
    && (last_order == null || last_order.created_at != now \
        || collection(\"order_lines\").exists(l, l.order == last_order && l.product == id && l.quantity == last_quantity)) \
    && !collection(\"order_lines\").exists(l, l.order == next.last_order && l.product == id)";

fn order(id: Uuid, customer: Uuid) -> Json {
    json!({"op": "create", "collection": "orders", "id": id, "data": {"customer": customer}})
}

fn take(product: &str, order: Uuid, by: i64, said: i64) -> Json {
    json!({"op": "update", "collection": "products", "id": product, "data": {"stock": {"increment": -by}, "last_order": order, "last_quantity": said}})
}

fn line(order: Uuid, product: &str, quantity: i64) -> Json {
    json!({"op": "create", "collection": "order_lines", "data": {"order": order, "product": product, "quantity": quantity}})
}

async fn customers(kit: &Kit, n: u128) {
    for n in 0..n {
        crate::kit::add_user(kit, customer(n), None).await;
    }
}

/// A moment of its own for each request.
fn asks(n: u128) -> data::Asker {
    at(
        user(customer(n)),
        &format!("2026-03-01T12:00:00.{:06}Z", 100_000 + n),
    )
}

async fn the_last_ten_copies(kit: &Kit) {
    shop(kit).await;
    customers(kit, 100).await;
    let product = kit
        .made(
            "products",
            json!({"title": "Metropolis", "price": 12.5, "stock": 10}),
        )
        .await;
    let askers: Vec<_> = (0..100).map(asks).collect();
    let done = join_all(askers.iter().enumerate().map(|(n, asker)| {
        let (id, me) = (Ids.new_id(), customer(n as u128));
        kit.batch(
            asker,
            json!([
                order(id, me),
                take(&product, id, 1, 1),
                line(id, &product, 1)
            ]),
        )
    }))
    .await;
    let (sold, refused): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
    assert_eq!(sold.len(), 10);
    for problem in refused.into_iter().map(Result::unwrap_err) {
        assert_eq!(
            faults(Err::<(), Problem>(problem)),
            (
                Code::ValidationFailed,
                vec!["/operations/1/data/stock".into()]
            )
        );
    }
    for sale in sold {
        let sale = sale.unwrap();
        assert_eq!(
            (
                &sale[2]["record"]["unit_price"],
                &sale[2]["record"]["title"]
            ),
            (&json!(12.5), &json!("Metropolis"))
        );
        assert_eq!(sale[0]["record"]["status"], "placed");
    }
    assert_eq!(
        kit.get(&key(), "products", &product).await.unwrap()["stock"],
        0
    );
    for table in ["orders", "order_lines"] {
        assert_eq!(
            kit.number(&format!(r#"SELECT count(*) AS n FROM "project"."{table}""#))
                .await,
            10,
            "{table}"
        );
    }
}

async fn customers_cannot_bend_it(kit: &Kit) {
    shop(kit).await;
    customers(kit, 2).await;
    let product = kit
        .made(
            "products",
            json!({"title": "Metropolis", "price": 12.5, "stock": 50}),
        )
        .await;
    let product = product.as_str();
    let other = kit
        .made(
            "products",
            json!({"title": "Nosferatu", "price": 9, "stock": 50}),
        )
        .await;
    let (me, them) = (customer(0), customer(1));
    let theirs = Ids.new_id();
    kit.batch(
        &asks(1),
        json!([
            order(theirs, them),
            take(product, theirs, 2, 2),
            line(theirs, product, 2)
        ]),
    )
    .await
    .unwrap();
    let before = kit.dump(&["products", "orders", "order_lines"]).await;
    let ids: Vec<Uuid> = (0..4).map(|_| Ids.new_id()).collect();
    let [o, p, ..] = ids[..] else { panic!() };
    let priced = |data: Json| json!({"op": "create", "collection": "order_lines", "data": data});
    let bent = [
        (
            "its own price",
            json!([
                order(o, me),
                take(product, o, 1, 1),
                priced(json!({"order": o, "product": product, "quantity": 1, "unit_price": 0.01}))
            ]),
            Code::ReadonlyField,
        ),
        (
            "its own title",
            json!([
                order(o, me),
                take(product, o, 1, 1),
                priced(json!({"order": o, "product": product, "quantity": 1, "title": "x"}))
            ]),
            Code::ReadonlyField,
        ),
        (
            "its own status",
            json!([{"op": "create", "collection": "orders", "id": o, "data": {"customer": me, "status": "paid"}}]),
            Code::ReadonlyField,
        ),
        (
            "a line without the stock",
            json!([order(o, me), line(o, product, 1)]),
            Code::RuleDenied,
        ),
        (
            "a line of another product",
            json!([order(o, me), take(product, o, 1, 1), line(o, &other, 1)]),
            Code::RuleDenied,
        ),
        (
            "stock without an order",
            json!([{"op": "update", "collection": "products", "id": product, "data": {"stock": {"increment": -1}, "last_quantity": 1}}]),
            Code::RuleDenied,
        ),
        (
            "stock with no order at all",
            json!([take(product, o, 1, 1)]),
            Code::RuleDenied,
        ),
        (
            "stock with an old order",
            json!([take(product, theirs, 1, 1)]),
            Code::RuleDenied,
        ),
        (
            "more stock than is said",
            json!([order(o, me), take(product, o, 5, 1), line(o, product, 1)]),
            Code::RuleDenied,
        ),
        (
            "less stock than is said",
            json!([order(o, me), take(product, o, 1, 5), line(o, product, 5)]),
            Code::RuleDenied,
        ),
        (
            "stock that comes back",
            json!([order(o, me), take(product, o, -1, 1)]),
            Code::RuleDenied,
        ),
        (
            "nothing taken, much said",
            json!([order(o, me), take(product, o, 0, 1), line(o, product, 1)]),
            Code::RuleDenied,
        ),
        (
            "less than nothing",
            json!([order(o, me), take(product, o, -3, -3)]),
            Code::ValidationFailed,
        ),
        (
            "a line of more",
            json!([order(o, me), take(product, o, 1, 1), line(o, product, 2)]),
            Code::RuleDenied,
        ),
        (
            "a line of less",
            json!([order(o, me), take(product, o, 2, 2), line(o, product, 1)]),
            Code::RuleDenied,
        ),
        (
            "two lines for one",
            json!([
                order(o, me),
                take(product, o, 1, 1),
                line(o, product, 1),
                line(o, product, 1)
            ]),
            Code::Duplicate,
        ),
        (
            "two orders for one",
            json!([
                order(o, me),
                order(p, me),
                take(product, o, 1, 1),
                line(o, product, 1),
                line(p, product, 1)
            ]),
            Code::RuleDenied,
        ),
        (
            "taken twice, ordered once",
            json!([
                order(o, me),
                take(product, o, 5, 5),
                take(product, o, 1, 1),
                line(o, product, 1)
            ]),
            Code::RuleDenied,
        ),
        (
            "taken in turns",
            json!([
                order(o, me),
                order(p, me),
                take(product, o, 5, 5),
                take(product, p, 1, 1),
                take(product, o, 1, 1),
                line(o, product, 1)
            ]),
            Code::RuleDenied,
        ),
        (
            "taken again behind the line",
            json!([
                order(o, me),
                take(product, o, 1, 1),
                line(o, product, 1),
                take(product, o, 9, 9)
            ]),
            Code::RuleDenied,
        ),
        (
            "too much at once",
            json!([order(o, me), take(product, o, 11, 11), line(o, product, 11)]),
            Code::ValidationFailed,
        ),
        ("another's order", json!([order(o, them)]), Code::RuleDenied),
        (
            "a line in another's order",
            json!([line(theirs, product, 2)]),
            Code::RuleDenied,
        ),
        (
            "another's order renamed",
            json!([{"op": "update", "collection": "orders", "id": theirs, "data": {"note": "x"}}]),
            Code::RecordNotFound,
        ),
        (
            "the price itself",
            json!([{"op": "update", "collection": "products", "id": product, "data": {"price": 1}}]),
            Code::ReadonlyField,
        ),
        (
            "the stock set",
            json!([order(o, me), {"op": "update", "collection": "products", "id": product, "data": {"stock": 1, "last_order": o, "last_quantity": 1}}]),
            Code::RuleDenied,
        ),
        (
            "a new product",
            json!([{"op": "create", "collection": "products", "data": {"stock": 1}}]),
            Code::ValidationFailed,
        ),
        (
            "a product gone",
            json!([{"op": "delete", "collection": "products", "id": product}]),
            Code::RuleDenied,
        ),
        (
            "an order cancelled",
            json!([{"op": "delete", "collection": "orders", "id": theirs}]),
            Code::RecordNotFound,
        ),
    ];
    for (what, operations, want) in bent {
        assert_eq!(code(kit.batch(&asks(0), operations).await), want, "{what}");
    }
    // Alone, without a batch, each step is refused as well, but for an order with nothing in it.
    let alone = kit
        .data
        .merge(
            &kit.project,
            &asks(0),
            "products",
            product,
            crate::kit::object(take(product, theirs, 1, 1)["data"].clone()),
            data::WriteOptions::default(),
        )
        .await;
    assert_eq!(code(alone.map_err(Into::into)), Code::RuleDenied);
    assert_eq!(
        kit.dump(&["products", "orders", "order_lines"]).await,
        before
    );
    // And what is right goes through: two products, and the same product for another order of the same request.
    let right = json!([
        order(o, me),
        take(product, o, 3, 3),
        line(o, product, 3),
        take(&other, o, 10, 10),
        line(o, &other, 10),
        order(p, me),
        take(product, p, 1, 1),
        line(p, product, 1),
    ]);
    kit.batch(&asks(0), right).await.unwrap();
    assert_eq!(
        kit.get(&key(), "products", product).await.unwrap()["stock"],
        44
    );
    // Another's lines are not seen.
    assert_eq!(
        kit.list(&asks(0), "order_lines", &[]).await.unwrap().len(),
        3
    );
    assert_eq!(
        kit.list(&asks(1), "order_lines", &[]).await.unwrap().len(),
        1
    );
}
