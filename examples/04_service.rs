//! A web service: what is known of a request is said once, and is on every record made for it,
//! across awaits, tasks and threads.
//!
//! ```text
//! cargo run --example 04_service
//! ```
//!
//! The program calls itself once and ends; `tests/service.rs` runs the same routes under load.

use std::future::Future;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use nexlog::{Context, info, warn};

/// Puts the caller's trace and request id around everything that serves the request.
fn surround(request: Request, next: Next) -> impl Future<Output = Response> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let trace = header("traceparent").map(Context::from_traceparent);
    let mut context = Context::empty();
    match trace {
        Some(Ok(trace)) => context = trace,
        Some(Err(error)) => warn!("traceparent ignored", error = err(&error)),
        None => {}
    }
    if let Some(id) = header("x-request-id") {
        context = context.request_id(id);
    }
    context.wrap(next.run(request))
}

#[nexlog::instrument(fields(order), err)]
async fn pay(order: u64) -> Result<u64, std::num::TryFromIntError> {
    info!("paying");
    // A task and a thread of their own, for the same request.
    let audit = tokio::spawn(Context::current().wrap(async move {
        tokio::task::yield_now().await;
        info!("audited", total = order * 3);
    }));
    let print = tokio::task::spawn_blocking(Context::current().wrap(|| info!("printed")));
    let _ = (audit.await, print.await);
    let receipt = u8::try_from(order).map(u64::from)?;
    info!("paid", receipt);
    Ok(receipt)
}

async fn handle(Path(order): Path<u64>) -> Result<String, StatusCode> {
    let receipt = pay(order).await.map_err(|_| StatusCode::UNPROCESSABLE_ENTITY)?;
    Ok(format!("receipt {receipt}\n"))
}

/// The service.
pub fn routes() -> Router {
    Router::new().route("/pay/{order}", get(handle)).layer(middleware::from_fn(surround))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    nexlog::builder().mode(nexlog::Mode::Background).install()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let mut caller = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
    tokio::spawn(axum::serve(listener, routes()).into_future());

    let request = "GET /pay/42 HTTP/1.1\r\nhost: localhost\r\nx-request-id: r-1\r\n\
                   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\
                   connection: close\r\n\r\n";
    caller.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await?;
    info!("answered", answer);
    Ok(())
}
