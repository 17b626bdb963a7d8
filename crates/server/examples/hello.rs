//! A bare actix server that answers everything alike: the yardstick of `cargo xtask bench`.

use actix_web::{App, HttpResponse, HttpServer, web};

/// About as long as one row of the benchmark's table.
const BODY: &str = r#"{"hello":"this is as long as one row of the table that the other servers are asked for, so that the bytes on the wire are much the same for all three of them, headers aside"}"#;

/// Listens on the address that is given as the only argument, with two workers.
#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    HttpServer::new(|| App::new().default_service(web::to(hello)))
        .workers(2)
        .bind(address)?
        .run()
        .await
}

/// Reads the request's body, as any server has to.
async fn hello(_body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(BODY)
}
