//! The example service under load: every record carries the id of the request that it was made
//! for, whatever threads and tasks served it.

mod support;

#[allow(dead_code)] // its `main`
#[path = "../examples/04_service.rs"]
mod service;

use std::collections::HashMap;

use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nexlog::{File, Json, Mode};
use support::{Folder, PATIENCE, assert_balanced, lines};

const REQUESTS: u64 = 2_000;

/// Two sockets for each request, more than many systems give a process at first.
fn raise_file_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a valid place for one `rlimit`, read and written during the calls only.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    assert!(limit.rlim_max > 2 * REQUESTS + 100, "{} files are too few", limit.rlim_max);
}

fn trace_of(number: u64) -> String {
    format!("{:032x}", u128::from(number + 1) << 64 | 7)
}

async fn request(
    client: &Client<impl Connect, Empty<&'static [u8]>>,
    port: u16,
    number: u64,
) -> u16 {
    let request = hyper::Request::get(format!("http://127.0.0.1:{port}/pay/{}", number % 300))
        .header("x-request-id", format!("r-{number}"))
        .header("traceparent", format!("00-{}-00f067aa0ba902b7-01", trace_of(number)))
        .body(Empty::new())
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.unwrap();
    status
}

trait Connect: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static {}
impl<C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static> Connect
    for C
{
}

#[test]
fn two_thousand_requests_at_once_keep_their_ids_apart() {
    raise_file_limit();
    let folder = Folder::new();
    let path = folder.file("service.log");
    let logger = nexlog::builder()
        .file(File::at(&path).format(Json::new()))
        .mode(Mode::Background)
        .install()
        .unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let statuses: Vec<u16> = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(axum::serve(listener, service::routes()).into_future());
        let client = Client::builder(TokioExecutor::new()).build_http();
        let tasks: Vec<_> = (0..REQUESTS)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move { request(&client, port, number).await })
            })
            .collect();
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses
    });
    logger.flush(PATIENCE).unwrap();
    assert_balanced(&logger.stats());
    assert_eq!(logger.stats().dropped, 0);

    let mut by_request: HashMap<String, Vec<serde_json::Value>> = HashMap::new();
    for record in lines::parse(&lines::of_file(&path)) {
        let id = record["request_id"].as_str().unwrap_or_else(|| panic!("no id: {record}"));
        by_request.entry(id.to_owned()).or_default().push(record);
    }
    assert_eq!(by_request.len() as u64, REQUESTS);
    for number in 0..REQUESTS {
        let records = &by_request[&format!("r-{number}")];
        let order = number % 300;
        let is_paid = order < 256;
        assert_eq!(statuses[usize::try_from(number).unwrap()], if is_paid { 200 } else { 422 });
        let mut messages = lines::messages(records);
        messages.sort_unstable();
        let last = if is_paid { "paid" } else { "returned an error" };
        let mut expected = vec!["audited", last, "paying", "printed"];
        expected.sort_unstable();
        assert_eq!(messages, expected, "request {number}");
        for record in records {
            assert_eq!(record["trace_id"], trace_of(number), "{record}");
            assert_eq!(record["order"], order, "{record}");
            assert_eq!(record["span"], "pay", "{record}");
        }
        let span_ids: std::collections::HashSet<_> =
            records.iter().map(|record| record["span_id"].as_str().unwrap()).collect();
        assert_eq!(span_ids.len(), 1, "one span: {records:#?}");
        assert!(!span_ids.contains("00f067aa0ba902b7"), "the caller's, not ours");
    }
}
