//! A web service of tokio, axum, hyper, sqlx (SQLite) and reqwest, whose parts log through nexlog, `log` and
//! `tracing`: one file, one order, every field typed.
//!
//! ```text
//! cargo run --manifest-path examples/shop/Cargo.toml
//! ```
//!
//! It calls itself, ends, reads its log back and checks it: `report` says what was found.

mod report;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Json, Router, routing::post};
use nexlog::{File, Mode, info};
use serde_json::{Value, json};
use sqlx::SqlitePool;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};

/// Orders that are placed, several at a time.
const ORDERS: u64 = 36;

#[nexlog::instrument(fields(order))]
async fn buy(State(stock): State<SqlitePool>, Path(order): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let item = i64::try_from(order % 10).unwrap_or(0);
    let left = shop_stock::take(&stock, item).await.map_err(|error| {
        nexlog::error!("no stock", error = err(&error));
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    let left = left.ok_or(StatusCode::CONFLICT)?;
    let receipt = shop_billing::charge(order, 250).await;
    info!("sold", item, left, receipt);
    Ok(Json(json!({ "receipt": receipt })))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("nexlog-shop-{}.jsonl", std::process::id()));
    let logger = nexlog::builder()
        .filter("info,shop_billing=debug,sqlx=debug,reqwest=debug,tower_http=debug,hyper_util=trace")
        .file(File::at(&path))
        .mode(Mode::Background)
        .field("service", "shop")
        .install()?; // the logger of `log` and `tracing`, too
    let stock = shop_stock::open().await?;
    let spans = DefaultMakeSpan::new().level(tracing::Level::INFO);
    let routes = Router::new()
        .route("/buy/{order}", post(buy))
        .layer(TraceLayer::new_for_http().make_span_with(spans))
        .with_state(stock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(axum::serve(listener, routes).into_future());

    let client = reqwest::Client::new();
    let mut calls = tokio::task::JoinSet::new();
    for order in 0..ORDERS {
        let request = client.post(format!("http://{address}/buy/{order}"));
        calls.spawn(async move { request.send().await.map(|answer| answer.status()) });
    }
    let mut sold = 0;
    while let Some(call) = calls.join_next().await {
        sold += u64::from(call??.is_success());
    }
    server.abort();
    info!("closed", sold);
    logger.flush(std::time::Duration::from_secs(5))?;
    let text = std::fs::read_to_string(&path)?;
    std::fs::remove_file(&path)?;
    print!("{}", report::check(&text, ORDERS, sold)?);
    Ok(())
}
