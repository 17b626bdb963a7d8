//! The demo's film shop: its collections with the rules that make a back end unnecessary, and its catalogue.

use super::{Maker, by_name, read};
use crate::wiring::Services;
use serde_json::{Value, json};

const GENRES: &str = include_str!("../../../../examples/shop/data/genres.json");
const PEOPLE: &str = include_str!("../../../../examples/shop/data/people.json");
const PRODUCTS: &str = include_str!("../../../../examples/shop/data/products.json");

/// Who may change a film: a customer, by ordering it in this very request, and by no more than the stock goes down.
/// What the request took before of the same film must have its line by now, so that nobody takes more than is ordered.
/// Every other field is read-only, and a stock below zero is refused by its `min`.
const SALE: &str = "next.last_order.customer == auth.id && next.last_order.created_at == now \
     && next.last_quantity > 0 && stock - next.stock == next.last_quantity \
     && (last_order == null || last_order.created_at != now \
         || collection(\"order_lines\").exists(l, l.order == last_order && l.product == id && l.quantity == last_quantity)) \
     && !collection(\"order_lines\").exists(l, l.order == next.last_order && l.product == id)";

/// Who may write a line: the customer of an order of this very request, for what the stock has just lost to it.
const LINE: &str = "order.customer == auth.id && order.created_at == now \
     && product.last_order == order && product.last_quantity == quantity";

pub async fn make(services: &Services) -> Result<(), String> {
    let maker = Maker::make(services, "shop", "Film shop").await?;
    let named = |name: &str| {
        json!({"name": name, "fields": [{"name": "name", "type": "text", "required": true, "min": 1, "max": 200, "unique": true}],
               "rules": {"list": "true", "view": "true"}})
    };
    maker.collection(named("genres")).await?;
    maker.collection(named("people")).await?;
    maker.bucket(json!({"name": "posters", "kind": "attachments", "limits": {"content_types": ["image/*"]}})).await?;
    maker.bucket(json!({
        "name": "avatars", "kind": "attachments", "limits": {"content_types": ["image/*"], "size_bytes_max": 2_000_000},
        "rules": {"create": "auth.id != null"}
    })).await?;
    maker
        .extend(
            "users",
            json!({"fields": {"add": [
                {"name": "name", "type": "text", "max": 100},
                {"name": "avatar", "type": "file", "bucket": "avatars"}
            ]}}),
        )
        .await?;
    maker.collection(json!({
        "name": "orders",
        "fields": [
            {"name": "customer", "type": "relation", "collection": "users", "required": true, "write_once": true},
            {"name": "status", "type": "select", "values": ["placed", "paid", "shipped", "delivered", "cancelled"],
             "required": true, "read_only": true, "default": "placed"},
            {"name": "note", "type": "text", "max": 500}
        ],
        "rules": {"list": "customer == auth.id", "view": "customer == auth.id", "create": "customer == auth.id"}
    })).await?;
    let text = |name: &str| json!({"name": name, "type": "text", "max": 200, "read_only": true});
    let integer = |name: &str| json!({"name": name, "type": "number", "format": "integer", "read_only": true});
    maker
        .collection(json!({
            "name": "products",
            "fields": [
                {"name": "title", "type": "text", "required": true, "read_only": true, "min": 1, "max": 200},
                {"name": "released_at", "type": "datetime", "read_only": true},
                {"name": "genre", "type": "relation", "collection": "genres", "read_only": true},
                {"name": "director", "type": "relation", "collection": "people", "read_only": true},
                {"name": "poster", "type": "file", "bucket": "posters", "read_only": true},
                text("rating_mpaa"), text("distributor"),
                {"name": "imdb_rating", "type": "number", "min": 0, "max": 10, "read_only": true},
                integer("imdb_votes"), integer("rotten_tomatoes"), integer("running_minutes"), integer("budget_usd"), integer("gross_usd"),
                {"name": "price", "type": "number", "required": true, "read_only": true, "min": 0},
                {"name": "stock", "type": "number", "format": "integer", "required": true, "min": 0},
                {"name": "last_order", "type": "relation", "collection": "orders"},
                {"name": "last_quantity", "type": "number", "format": "integer", "min": 1, "max": 10}
            ],
            "indexes": [{"fields": ["title"]}, {"fields": ["price"]}, {"fields": ["imdb_rating"]}, {"fields": ["imdb_votes"]}],
            "rules": {"list": "true", "view": "true"}
        }))
        .await?;
    maker
        .collection(json!({
            "name": "order_lines",
            "fields": [
                {"name": "order", "type": "relation", "collection": "orders", "required": true},
                {"name": "product", "type": "relation", "collection": "products", "required": true},
                {"name": "quantity", "type": "number", "format": "integer", "required": true, "min": 1, "max": 10},
                {"name": "unit_price", "type": "number", "required": true, "read_only": true, "default": {"expression": "product.price"}},
                {"name": "title", "type": "text", "required": true, "read_only": true, "max": 200, "default": {"expression": "product.title"}}
            ],
            "indexes": [{"fields": ["order", "product"], "unique": true}],
            "rules": {"list": "order.customer == auth.id", "view": "order.customer == auth.id", "create": LINE}
        }))
        .await?;
    // The rule looks at lines, which look at films: it comes when both are there.
    maker
        .extend("products", json!({"rules": {"update": SALE}}))
        .await?;
    maker
        .collection(json!({
            "name": "wishes",
            "fields": [
                {"name": "owner", "type": "relation", "collection": "users", "required": true},
                {"name": "product", "type": "relation", "collection": "products", "required": true},
                {"name": "note", "type": "text", "max": 500}
            ],
            "indexes": [{"fields": ["owner", "product"], "unique": true}],
            "template": "owner"
        }))
        .await?;
    maker.collection(carts()).await?;
    let genres = read(GENRES).collect::<Result<Vec<_>, _>>()?;
    let people = read(PEOPLE).collect::<Result<Vec<_>, _>>()?;
    let (genre_ids, people_ids) = (by_name(&genres), by_name(&people));
    maker.records("genres", genres.into_iter().map(Ok)).await?;
    maker.records("people", people.into_iter().map(Ok)).await?;
    let products = read(PRODUCTS).map(|product| {
        let mut product = product?;
        for (field, ids) in [("genre", &genre_ids), ("director", &people_ids)] {
            let name = product.get(field).and_then(Value::as_str);
            let id = name.and_then(|name| ids.get(name)).cloned();
            product.insert(field.to_owned(), id.unwrap_or(Value::Null));
        }
        Ok(product)
    });
    maker.records("products", products).await
}

/// What is in a customer's cart, so that it is there on every device. The record has its owner's id: there is one.
fn carts() -> Value {
    let own = "id == auth.id && owner == auth.id";
    json!({
        "name": "carts",
        "fields": [
            {"name": "owner", "type": "relation", "collection": "users", "required": true, "unique": true},
            {"name": "entries", "type": "json", "required": true}
        ],
        "rules": {"list": own, "view": own, "create": own, "update": own, "delete": own}
    })
}

/// Lets customers sign in by every way that needs no other service. Links in mails end at the shop, wherever it is
/// served this time.
pub async fn settle(services: &Services, site: &str) -> Result<(), String> {
    let maker = Maker::of(services, "shop").await?;
    let app = format!("{site}/");
    if maker.project.settings().brand.app_url == app {
        return Ok(());
    }
    let change = json!({
        "sign_in": {"password": true, "email_code": true, "magic_link": true, "passkey": true, "anonymous": true},
        "brand": {"name": "Second Reel", "color": "#bf2617", "app_url": app}
    });
    maker.settle(change).await
}
