//! Crates that know nothing of nexlog log into one file, through both facades, in one order.

mod support;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::extract::Path;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use nexlog::{File, Json, Logger, Mode};
use serde_json::{Value, json};
use support::{Folder, PATIENCE, assert_balanced, lines};

support::child::alone![
    h2_logs_by_tracing_with_its_spans,
    a_service_and_its_client_log_by_tracing,
    mio_logs_by_log,
    filters_hold_for_each_crate,
];

struct Setup {
    logger: Logger,
    folder: Folder,
}

fn install(filter: &str) -> Setup {
    let folder = Folder::new();
    let file = File::at(folder.file("all.log")).format(Json::new().source());
    let builder = nexlog::builder().filter(filter).file(file).mode(Mode::Background);
    Setup { logger: builder.install().unwrap(), folder }
}

impl Setup {
    fn records(&self) -> Vec<Value> {
        self.logger.flush(PATIENCE).unwrap();
        assert_balanced(&self.logger.stats());
        lines::parse(&lines::of_file(&self.folder.file("all.log")))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

fn of_target<'a>(records: &'a [Value], prefix: &str) -> Vec<&'a Value> {
    let has_prefix = |record: &&Value| record["target"].as_str().unwrap().starts_with(prefix);
    records.iter().filter(has_prefix).collect()
}

fn h2_logs_by_tracing_with_its_spans() {
    let setup = install("trace");
    runtime().block_on(async {
        let (client, server) = tokio::io::duplex(64 << 10);
        tokio::spawn(async move {
            let mut server = h2::server::handshake(server).await.unwrap();
            while let Some(request) = server.accept().await {
                let (_request, mut respond) = request.unwrap();
                let answer = hyper::Response::builder().status(204).body(()).unwrap();
                respond.send_response(answer, true).unwrap();
            }
        });
        let (mut client, connection) = h2::client::handshake(client).await.unwrap();
        let driver = tokio::spawn(connection);
        for number in 0..20_u64 {
            let request = hyper::Request::get("http://localhost/").body(()).unwrap();
            nexlog::info!("asking", number);
            let (answer, _) = client.send_request(request, true).unwrap();
            assert_eq!(answer.await.unwrap().status(), 204);
        }
        drop(client);
        driver.await.unwrap().unwrap();
    });
    let all = setup.records();
    let theirs = of_target(&all, "h2::");
    assert!(theirs.len() > 200, "{} records of h2", theirs.len());
    let sent = theirs.iter().filter(|r| r["span"] == "FramedWrite::buffer" && r["msg"] == "send");
    let sent: Vec<_> = sent.filter(|record| record.get("peer").is_some()).collect();
    assert!(sent.len() > 20);
    for record in &sent {
        // The root span of a connection, and one inside of it.
        assert!(["Client", "Server"].contains(&record["peer"].as_str().unwrap()), "{record}");
        assert!(record["frame"].as_str().is_some(), "{record}");
        assert!(record["file"].as_str().unwrap().ends_with("framed_write.rs"), "{record}");
    }
    // A number of theirs is a number.
    let decoded: Vec<_> = theirs.iter().filter_map(|record| record.get("offset")).collect();
    assert!(!decoded.is_empty() && decoded.iter().all(|offset| offset.is_u64()));
    let asked = lines::with_message(&all, "asking");
    assert_eq!(asked.len(), 20);
    assert!(asked.iter().all(|record| record.get("span").is_none()));
}

#[tracing::instrument(fields(late = tracing::field::Empty))]
async fn serve(order: u64) -> String {
    tracing::info!(net = 1.5, "by tracing");
    tracing::Span::current().record("late", order + 1);
    tokio::task::yield_now().await;
    log::info!(order_again = order; "by log");
    nexlog::info!("by nexlog");
    format!("order {order}\n")
}

fn a_service_and_its_client_log_by_tracing() {
    let setup = install("info,hyper_util=trace");
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let get = axum::routing::get(|Path(order): Path<u64>| serve(order));
        let routes = axum::Router::new().route("/pay/{order}", get);
        tokio::spawn(axum::serve(listener, routes).into_future());
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
        let tasks: Vec<_> = (0..100_u64)
            .map(|order| {
                let client = client.clone();
                tokio::spawn(async move {
                    let address = format!("http://127.0.0.1:{port}/pay/{order}");
                    let answer = client.get(address.parse().unwrap()).await.unwrap();
                    let text = answer.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(text, format!("order {order}\n"));
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let all = setup.records();
    assert!(of_target(&all, "hyper_util::client").len() > 100, "the client says little");
    for order in 0..100_u64 {
        let served: Vec<_> = all.iter().filter(|r| r["order"] == order).collect();
        let said: Vec<_> = served.iter().map(|r| r["msg"].as_str().unwrap()).collect();
        assert_eq!(said, ["by tracing", "by log", "by nexlog"], "order {order}");
        assert!(served.iter().all(|record| record["span"] == "serve"));
        assert_eq!((&served[0]["net"], served[0].get("late")), (&json!(1.5), None));
        assert_eq!(
            (&served[1]["order_again"], &served[1]["late"]),
            (&json!(order), &json!(order + 1))
        );
        assert_eq!(served[2]["late"], order + 1);
    }
    // One order: the times of a file only grow within a pass, and these are one thread's.
    assert!(of_target(&all, "hyper_util").iter().all(|record| record.get("order").is_none()));
}

fn mio_logs_by_log() {
    let setup = install("trace");
    let mut poll = mio::Poll::new().unwrap();
    let mut listener = mio::net::TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    poll.registry().register(&mut listener, mio::Token(7), mio::Interest::READABLE).unwrap();
    let mut events = mio::Events::with_capacity(8);
    poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    poll.registry().deregister(&mut listener).unwrap();
    let all = setup.records();
    let theirs = of_target(&all, "mio::poll");
    assert_eq!(theirs.len(), 2, "{all:#?}");
    assert_eq!(
        theirs[0]["msg"],
        "registering event source with poller: token=Token(7), interests=READABLE"
    );
    assert_eq!((&theirs[1]["level"], &theirs[1]["target"]), (&json!("TRACE"), &json!("mio::poll")));
    assert!(theirs[1]["file"].as_str().unwrap().ends_with("poll.rs"));
    assert!(theirs[1]["line"].as_u64().unwrap() > 1);
}

fn filters_hold_for_each_crate() {
    let setup = install("debug,mio=off,tokio=off");
    let stop = AtomicBool::new(false);
    let register = || {
        let poll = mio::Poll::new().unwrap();
        let mut socket = mio::net::UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        poll.registry().register(&mut socket, mio::Token(1), mio::Interest::READABLE).unwrap();
    };
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            while !stop.load(Relaxed) {
                register();
            }
        });
        for round in 0..20 {
            setup.logger.set_filter("mio=trace").unwrap();
            register();
            setup.logger.set_filter("off").unwrap();
            let before = setup.records().len();
            std::thread::sleep(Duration::from_millis(2));
            let late = setup.records().len() - before;
            assert!(late <= 1, "{late} records after the filter was shut in round {round}");
        }
        stop.store(true, Relaxed);
        busy.join().unwrap();
    });
    let all = setup.records();
    assert!(all.len() >= 20 && of_target(&all, "mio").len() == all.len());
    setup.logger.set_filter("trace,mio=off").unwrap();
    register();
    assert_eq!(setup.records().len(), all.len());
    assert!(!log::log_enabled!(target: "mio::poll", log::Level::Error));
}
